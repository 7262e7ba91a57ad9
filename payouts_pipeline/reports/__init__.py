"""What people are told: status, audit, reconciliation, explanations, charts. It reads, and changes nothing."""
