"""Where jobs are computed: in this process, or on the replicas of a Ray Serve application."""
