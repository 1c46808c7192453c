"""One fitted thing: task, network, and what it takes to predict, save and load."""
