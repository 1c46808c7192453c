"""How a network is fitted: loaders, the Lightning module, early stopping, resuming."""
