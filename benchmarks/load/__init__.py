"""Pages under load: 50 people who click as fast as they can, with and without a running ticker."""
