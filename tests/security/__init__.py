"""What an attacker would try, and what keeps the rules that the page on security names."""
