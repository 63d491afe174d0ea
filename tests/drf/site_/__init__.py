"""A real Django REST Framework site: what the client and the test server must agree with."""
