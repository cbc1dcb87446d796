"""The reference of homework 6."""
