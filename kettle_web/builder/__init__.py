"""The embedded Kettle server: a faithful API that builds real projects and attests them with simulated evidence. Never imports Django."""
