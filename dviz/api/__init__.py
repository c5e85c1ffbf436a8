"""The front door: what `import dviz` offers. Heavy libraries come when they are used."""
