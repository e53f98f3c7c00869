"""Recipes of several stages: each stage takes what earlier ones made, and leaves a checkpoint or a file for later ones."""
