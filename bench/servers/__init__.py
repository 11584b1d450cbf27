"""What is measured and what it is measured against, each as processes on free loopback ports."""
