"""Response codes (host-protocol.md 3) as data. Words for logs and reports; knows no message.

Class: A approved, B may retry, C do not retry, D operator action, E system fault.
"""

# code: (Chinese, English, class)
RESPONSE_CODES = {
    "00": ("交易成功", "Approved", "A"),
    "01": ("请持卡人与发卡银行联系", "Call issuer", "C"),
    "02": ("请持卡人与发卡银行联系", "Call issuer (special)", "C"),
    "03": ("无效商户", "Invalid merchant", "C"),
    "04": ("此卡被没收", "Retain card", "D"),
    "05": ("持卡人认证失败", "Do not honour", "C"),
    "10": ("交易成功,部分承兑", "Partial approval", "A"),
    "11": ("成功,VIP客户", "Approved (VIP)", "A"),
    "12": ("无效交易", "Invalid transaction", "C"),
    "13": ("无效金额", "Invalid amount", "B"),
    "14": ("无效卡号", "Invalid card number", "B"),
    "15": ("此卡无对应发卡方", "No such issuer", "C"),
    "16": ("更新第三磁道", "Approved, update track 3", "A"),
    "21": ("该卡未初始化或睡眠卡", "Card not active", "C"),
    "22": ("操作有误,或超出交易允许天数", "Wrong operation or too late", "C"),
    "25": ("没有原始交易,请联系发卡方", "Original not found", "C"),
    "30": ("请重试", "Format error", "C"),
    "34": ("作弊卡,吞卡", "Suspected fraud, retain", "D"),
    "38": ("密码错误次数超限,请与发卡方联系", "PIN tries exceeded", "D"),
    "40": ("发卡方不支持的交易类型", "Not supported by issuer", "C"),
    "41": ("挂失卡,请没收", "Lost card", "D"),
    "43": ("被窃卡,请没收", "Stolen card", "D"),
    "45": ("请使用芯片", "Insert chip", "D"),
    "51": ("可用余额不足", "Insufficient funds", "C"),
    "54": ("该卡已过期", "Expired card", "C"),
    "55": ("密码错", "Wrong PIN", "B"),
    "57": ("不允许此卡交易", "Not permitted to card", "C"),
    "58": ("发卡方不允许该卡在本终端进行此交易", "Not permitted at terminal", "C"),
    "59": ("卡片校验错", "Card check failed", "C"),
    "61": ("交易金额超限", "Exceeds amount limit", "C"),
    "62": ("受限制的卡", "Restricted card", "C"),
    "64": ("交易金额与原交易不匹配", "Amount differs from original", "C"),
    "65": ("超出消费次数限制", "Exceeds count limit", "C"),
    "68": ("交易超时,请重试", "Host timeout", "C"),
    "75": ("密码错误次数超限", "PIN tries exceeded", "C"),
    "77": ("请重新签到,再作交易", "Batch mismatch or not signed in", "B"),
    "79": ("POS终端上传的脱机数据对账不平", "Offline data unbalanced", "B"),
    "90": ("系统日切,请稍后重试", "Cut-over in progress", "C"),
    "91": ("发卡方状态不正常,请稍后重试", "Issuer unavailable", "C"),
    "92": ("发卡方线路异常,请稍后重试", "Routing error", "C"),
    "94": ("拒绝,重复交易,请稍后重试", "Duplicate", "C"),
    "95": ("对账不平,上送", "Unbalanced, upload", "B"),
    "96": ("拒绝,交换中心异常,请稍后重试", "System malfunction", "C"),
    "97": ("终端未登记", "Terminal unknown", "D"),
    "98": ("发卡方超时", "Issuer timeout", "E"),
    "99": ("PIN格式错,请重新签到", "PIN format error", "B"),
    "A0": ("MAC校验错,请重新签到", "MAC error", "B"),
    "A1": ("转账货币不一致", "Currency mismatch", "C"),
    "A2": ("交易成功,请向发卡行确认", "Approved, confirm with issuer", "A"),
    "A3": ("账户不正确", "Wrong account", "C"),
    "A4": ("交易成功,请向发卡行确认", "Approved, confirm with issuer", "A"),
    "A5": ("交易成功,请向发卡行确认", "Approved, confirm with issuer", "A"),
    "A6": ("交易成功,请向发卡行确认", "Approved, confirm with issuer", "A"),
    "A7": ("安全处理失败", "Security failure", "C"),
}

# Code 10 is of class A but books another amount than the one asked for; this host never gives it.
APPROVED = frozenset(
    code for code, (_, _, group) in RESPONSE_CODES.items() if group == "A" and code != "10"
)

# An 0410 with one of these ends the reversal for the terminal. The host gives them only when no
# money stands booked under the reversed trace.
REVERSAL_DONE = frozenset(("00", "12", "25"))


def english(code):
    """English words of a response code."""
    entry = RESPONSE_CODES.get(code)
    return entry[1] if entry else "unknown response code"
