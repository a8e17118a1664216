"""Every attack that is known, each as the weakest role that it needs: `./dev attack`."""
