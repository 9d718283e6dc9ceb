"""Finding builds again: search, filters, lists; projects, artifacts and dependencies; alarms about builds and who hears of them."""
