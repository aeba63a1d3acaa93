//! Chooses backends by URL: the one place that knows which there are.
