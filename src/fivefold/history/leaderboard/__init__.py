"""The leaderboard: boards, runs ranked, and single runs in detail."""
