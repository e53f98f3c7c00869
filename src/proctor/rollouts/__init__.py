"""From tasks to scored groups of rollouts, through any engine and any reward. Knows neither weights nor gradients."""
