"""What the tests stand on: real servers, the real binary, and fixtures that join them."""
