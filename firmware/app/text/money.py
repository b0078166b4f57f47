# Amounts: integers of fen inside, text at the edge.


def yuan(fen):
    """1234567 -> "12,345.67"; negative amounts with a leading minus."""
    sign = "-" if fen < 0 else ""
    fen = abs(fen)
    whole = str(fen // 100)
    groups = []
    while len(whole) > 3:
        groups.insert(0, whole[-3:])
        whole = whole[:-3]
    groups.insert(0, whole)
    return "%s%s.%02d" % (sign, ",".join(groups), fen % 100)
