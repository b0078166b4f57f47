# docs/activation.example.json as bytes, its signer's public key, and the first passwords: made by
# tools/activation, that is with the cryptography package. The private key was thrown away.

from binascii import a2b_base64

FILE = a2b_base64(
    "eyJhY3RpdmF0aW9uIjp7ImFjcXVpcmVyIjp7ImhlYWRlciI6IjYwMzEwMDMxMDAwMSIsImhvc3QiOiJwb3MuZXhhbX"
    "BsZS5jb20iLCJrZXlfbW9kZSI6IjAwNCIsInBvcnQiOjUwMDAsInRwZHUiOiI2MDAwMDMwMDAwIn0sImZvcm1hdCI6"
    "MSwia2N2IjoiMDZERTRCIiwibWVyY2hhbnQiOnsibmFtZSI6IuaUtumTtua8lOekuuWVhuW6lyIsIm5hbWVfZW4iOi"
    "JTSE9VWUlOIERFTU8gU1RPUkUiLCJudW1iZXIiOiIzMDI0NDAzODA2MjExMDAifSwibm90X2FmdGVyIjoiMjAzNi0x"
    "Mi0zMSIsIm5vdF9iZWZvcmUiOiIyMDI2LTAxLTAxIiwib3BlcmF0b3JzIjpbeyJoYXNoIjoiZGMzMTE4ZmI0OWQ2NT"
    "ZjNzRjMWY0MzU1MGFiMmQzMGZiZjI5MjQ1N2Q3ZjhhODQyMzhkODQ5Y2I3ZjEyMTMwNiIsIm51bWJlciI6IjAwIiwi"
    "cm9sZSI6InN1cGVydmlzb3IiLCJyb3VuZHMiOjMwMCwic2FsdCI6IjkyOWMyYjRkNWJmNjU2OTYifSx7Imhhc2giOi"
    "JjMWI0ZmQzZWQwNzIzYTI1MzM5ZTQ2OGFmNzU0MzViOTAxMDQxZTg1NjI3NmZkNTE3OGUzMGQ0NThlYjNiYjg3Iiwi"
    "bnVtYmVyIjoiMDEiLCJyb2xlIjoiY2FzaGllciIsInJvdW5kcyI6MzAwLCJzYWx0IjoiM2QyOTBjZWJmNTliYmIyNi"
    "J9LHsiaGFzaCI6IjQ3YzUzYTA1MzVjMjIwMTZmNjIzYzQzYzhkZGM1YzMwNmUyZjY1NTdjNjBiMTIyMzBkNzc4YThm"
    "MDg4NDFjYmIiLCJudW1iZXIiOiI5OSIsInJvbGUiOiJhZG1pbiIsInJvdW5kcyI6MzAwLCJzYWx0IjoiZTg5ZjNlNj"
    "BmYjc1NzAxZiJ9XSwicGFyYW1ldGVycyI6eyJhbW91bnRfbWF4Ijo1MDAwMDAwLCJsYW5ndWFnZSI6InpoIiwicmVj"
    "ZWlwdF9jb3BpZXMiOjJ9LCJzZXJpYWwiOm51bGwsInNpZ25lciI6ImV4YW1wbGUiLCJ0ZWNobmljaWFuIjp7Imhhc2"
    "giOiI4ZWUyZTYxYjc0ZGQzMmNkY2E2OGEwZTdhYTc4YWFkMzE1MzdkNWYyM2Y2ZjFkMTU5M2VkYTM1YmU2MDQ3MGZk"
    "IiwibnVtYmVyIjoiOTAiLCJyb3VuZHMiOjMwMCwic2FsdCI6IjQ5N2UwZGFkZmUwMWE5OTgifSwidGVybWluYWwiOi"
    "I1ODQwMjAwMSIsIndpZmkiOlt7InBhc3N3b3JkIjoiY2hhbmdlLW1lLW5vdyIsInNzaWQiOiJTSE9QIn1dfSwic2ln"
    "bmF0dXJlIjoiRDhndlRnclBaTU5rVlQzZzJpMzlQVGNKV3NvaE4xQitScHRoRlBFSnNqRFZ6cVFlMGFqQzV1U0lUZ0"
    "RzMmJpVEE2Y3E2VjlQcHdQN3A0c2pkQW9CUG5jZmNCdEhrWE1QSmhDdWo3MFF3WUVCYmVHYWYzQXhlejlkRWJ5VE1K"
    "dGs2dmh1cEgydkZuMlpSelRzSkt5NDNNRDFOdTN3Z2hxQ2t1ajdRVENlR05VSUJCNUR5MWlreDZzL0x1RGxHUFpWV2"
    "xjd3M1N1NZa1R4MTRoTDE5bitTN2xpMDduR3liVElwMzhHdVhVK1VYcDhpeXdGOFEzNEVmMmM4c20xTGpqM2s1MVAy"
    "Q2w5RkJGeS9vblN4V2UwdkxZb0o5aVFLcVEwNi9DVi94aC9oSXRiRG1DYXFDYmNqZmdtM2ZtZWwrT0x2WkZ1K2tvWl"
    "czaE4yT0JCUWV0c3N3PT0ifQ=="
)
N = a2b_base64(
    "0el0DeIqKEPi9ari2vPYbczakeIPYLwzeN7gcUpb+agtDCnZeg3W62Aysiah8M+JBLWdVc5yj3wTg6h2fuMjGqUF9d"
    "I2F1VugeruGVvGRyxRvWTVT3S4Hgtc24fO0G6IUBuxQdxFKGIsO9SXAXl4XMDypbcOsfSb/VsFz4C30Hnzye3BWMG4"
    "PMpBoqulPP+8h0zGlVoA2MdN3slBOrOe+8tWnSimeo5Dm3xyprT21aFATz4cPmgig8bT+o++W3ypofCuy+vYBZfk5X"
    "NF0UUqKUSzgFykdV7JqgE4cHTKKxnacRDzMYBm017wucuhpAXZjmhihtj67pM/HC8XqM9pKw=="
)
E = 65537
FIRST = {
    "00": "21118390",
    "01": "20572974",
    "90": "axc5yaf84fdh",
    "99": "04953672",
}
