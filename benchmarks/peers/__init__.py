"""The peers that Paceline is measured against: the same trials in PyTorch, Keras and scikit-learn, each at its best.

    trials.py         what every peer is given (arrays, configurations) and gives back (errors, seconds, steps)
    pool.py           one warm process a core, trials handed out one by one
    torch_trials.py   keras_fit.py   sklearn_mlp.py     one peer each
    race.py           what a search is told and says; optuna_search.py   keras_tuner_search.py   ray_search.py

Nothing here imports Paceline, so a fault of the engine can't flatter it.
"""
