"""The sections of the Search page: form, progress, best trial and its luck, trials, figures."""
