"""What each option costs and which one fits: overhead, decision, and the evidence that both rest on."""
