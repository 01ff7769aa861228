"""What samples lack, and what stands in its place: fillings, generators, frozen public models."""
