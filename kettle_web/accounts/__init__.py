"""People: sign-in, throttling, one-time passwords, management of users."""
