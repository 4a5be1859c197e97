"""The users of the scenarios, as locust runs them. Importing this patches sockets: only locust processes may."""
