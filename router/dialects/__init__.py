"""How each vendor is asked, and how its answer reads in OpenAI's words: pure translation, both ways."""
