"""What stands in for the services on one machine: embedded servers, Stripe emulator, sample season."""
