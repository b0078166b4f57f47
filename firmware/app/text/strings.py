# Every text of the screen, in Chinese and English. Data only; the receipt's labels are in
# ui/receipt.
#
# A screen row has 16 columns; a Chinese character takes two. What is longer is wrapped by the
# screen where there is room for it.

ZH, EN = 0, 1
_LANGUAGES = {"zh": ZH, "en": EN}
_language = ZH

# Each table is one tuple of constants, which stays in ROM: key, Chinese, English, and so on. No
# text may be the same as a key.
TEXT = (
    # idle and start
    "product", "收银 SHOUYIN", "SHOUYIN POS",
    "starting", "正在启动...", "Starting...",
    "checking_journal", "正在检查流水", "Checking journal",
    "swipe_or_amount", "请刷卡或输入金额", "Swipe or amount",
    "operator_batch", "操作员%s批%06d", "Op %s B %06d",
    "reversal_owed_line", "冲正%d笔 %s", "Rev. %d %s",
    "reversal_owed_short", "冲正待发%d笔", "Reversals: %d",
    "receipt_owed_line", "有签购单未打印", "Slip not printed",
    "upload_owed_line", "待上送%d笔 %s", "Send %d %s",
    "upload_owed_short", "待上送%d笔", "To send: %d",
    "battery_line", "电量%d%%,请充电", "Battery low %d%%",
    "nearly_full_line", "流水将满,请结算", "Full soon:settle",
    "not_signed_in", "未签到", "Not signed in",
    # network, short words of the bearer
    "net.starting", "通讯模块启动中", "Modem starting",
    "net.no_modem", "无通讯模块", "No modem",
    "net.no_sim", "无SIM卡", "No SIM card",
    "net.sim_locked", "SIM卡已锁", "SIM locked",
    "net.searching", "正在找网络", "Searching net",
    "net.denied", "网络拒绝注册", "Net refused",
    "net.no_data", "数据网络断开", "No data link",
    "net.none", "无通讯方式", "No bearer",
    "net.no_radio", "无线模块故障", "Wi-Fi fault",
    "net.no_ap", "找不到无线网络", "Wi-Fi not found",
    "net.wrong_password", "WiFi密码错误", "Wi-Fi password?",
    "net.weak_security", "WiFi加密太弱", "Wi-Fi not secure",
    "net.weak_signal", "WiFi信号太弱", "Wi-Fi too weak",
    "net.refused", "WiFi拒绝连接", "Wi-Fi refused",
    "net.lost", "网络连接中断", "Connection lost",
    "net.not_set_up", "WiFi未设置", "Wi-Fi not set",
    "net.no_address", "未获得IP地址", "No IP address",
    "net.no_cable", "网线未插好", "No LAN cable",
    "net.no_chip", "有线网卡故障", "LAN chip fault",
    # training mode
    "training", "培训模式", "Training mode",
    "training_name", "培训 TRAINING", "培训 TRAINING",
    "training_in", "确认键:培训模式", "ENTER: training",
    "training_out", "确认键:退出培训", "ENTER: leave it",
    "training_leave", "退出培训", "Leave training",
    "training_amounts", "练习金额", "Practice amounts",
    "training_no_answer", "无应答,将冲正", "Never answers",
    "training_login", "01/00 密码111111", "01/00: 111111",
    "training_card", "F1键:培训卡", "F1: test card",
    "training_owed", "真账待发%d笔", "REAL to send: %d",
    # titles
    "login", "操作员登录", "Operator login",
    "change_password", "修改密码", "New password",
    "menu", "功能菜单", "Menu",
    "sale", "消费", "Sale",
    "void", "消费撤销", "Void",
    "settle", "结算", "Settlement",
    "print", "打印", "Print",
    "manage", "管理", "Manage",
    "sign_in", "签到", "Sign in",
    "echo", "回响测试", "Echo test",
    "totals", "交易汇总", "Totals",
    "language", "Language 语言", "Language 语言",
    "logout", "退出登录", "Log off",
    "shop_code", "门店二维码", "Shop's QR code",
    "version", "版本", "Version",
    "reprint_last", "重打最后一笔", "Reprint last",
    "reprint_any", "重打任意一笔", "Reprint any",
    "reprint_settlement", "重打结算单", "Settlement slip",
    "totals_report", "交易总计单", "Totals report",
    "details", "交易明细单", "Transactions",
    "problem_list", "未上送/被拒", "Unsent/denied",
    "exceptions", "异常报告单", "Exceptions",
    "upload_now", "立即上送", "Send now",
    "states", "各状态汇总", "By state",
    "notice", "提示", "Notice",
    "supervisor", "主管授权", "Supervisor",
    "key_entry", "主密钥录入", "Key entry",
    "service_entry", "服务密钥录入", "Service key",
    "custodian", "密钥持有人%d", "Custodian %d",
    "component", "密钥分量%d", "Component %d",
    "component_again", "分量%d再输一次", "Comp. %d again",
    # prompts
    "operator_no", "操作员号:", "Operator no:",
    "password", "密码:", "Password:",
    "new_password", "新密码(6-12位):", "New (6-12):",
    "repeat_password", "再输一次:", "Again:",
    "enter_amount", "请输入金额(元)", "Enter amount",
    "swipe_card", "请刷卡", "Swipe card",
    "enter_pin", "请输入密码", "Enter PIN",
    "no_pin_hint", "无密码按确认", "No PIN: ENTER",
    "enter_voucher", "原凭证号:", "Voucher no:",
    "confirm_void", "确认撤销?", "Void this?",
    "confirm_settle", "确认结算?", "Settle now?",
    "print_details", "打印交易明细?", "Print the list?",
    "ok_cancel", "确认键/取消键", "ENTER / CANCEL",
    "press_enter", "按确认键继续", "Press ENTER",
    "tear_first", "撕纸后按确认打印", "Tear, then ENTER",
    "hex_hint", "字母键+1-6: A-F", "ALPHA+1-6: A-F",
    "hex_alpha", "按1-6输入A-F", "1-6 types A-F",
    "hex_count", "已输入%d/32", "%d of 32 typed",
    "component_kcv", "分量%d KCV %s\n请与密钥信封核对", "Comp. %d, KCV\n%s: compare",
    "master_kcv", "主密钥KCV %s\n正确请按确认存储", "Key KCV %s\nENTER keeps it",
    "service_kcv", "密钥KCV %s\n正确请按确认存储", "Key KCV %s\nENTER keeps it",
    "second_copy", "持卡人存根", "Customer copy",
    "total_line", "共%d笔", "%d in all",
    # progress
    "stage.connecting", "正在连接...", "Connecting...",
    "stage.signing_in", "正在签到...", "Signing in...",
    "stage.reversing", "正在冲正...", "Reversing...",
    "stage.sending", "正在处理...", "Processing...",
    "stage.settling", "正在结算...", "Settling...",
    "stage.uploading", "正在上送...", "Sending...",
    "printing", "正在打印...", "Printing...",
    "please_wait", "请稍候", "Please wait",
    # results
    "approved", "交易成功", "APPROVED",
    "approved_offline", "脱机批准", "OFFLINE APPROVED",
    "cancelled", "脱机交易已取消", "CANCELLED",
    "upload_ok", "全部已上送", "All was sent",
    "declined", "交易失败", "DECLINED",
    "sign_in_ok", "签到成功", "Signed in",
    "echo_ok", "通讯正常", "Host answered",
    "balanced", "对账平", "BALANCED",
    "unbalanced", "对账不平", "NOT BALANCED",
    "host_line", "主机%d笔 %s", "Host %d %s",
    "own_line", "本机%d笔 %s", "Own  %d %s",
    # states by number (pay.txn), reasons of a difference by number (pay.totals)
    "state.1", "发送中", "Sending",
    "state.2", "成功", "Approved",
    "state.3", "拒绝", "Declined",
    "state.4", "待冲正", "Revers",
    "state.5", "已冲正", "Reversed",
    "state.6", "待上送", "To send",
    "state.7", "已发", "Sent",
    "state.8", "已上送", "Uploaded",
    "state.9", "被拒", "Denied",
    "state.10", "已撤", "Voided",
    "state.12", "已取消", "Cancel",
    "state.13", "已放弃", "Given up",
    "why.1", "主机已拒绝", "Host refused it",
    "why.2", "主管已放弃", "Given up",
    "why.3", "主机称重复", "Host had it",
    "why.4", "多次发送", "Sent again",
    "why.5", "金额与差额相符", "Same amount",
    "why.6", "未发出", "Not sent",
    # short errors on an input screen
    "err.amount_zero", "金额不能为零", "Amount is zero",
    "err.amount_max", "金额超过限额", "Above the limit",
    "err.short", "位数不够", "Too short",
    "err.pin_length", "密码4到12位", "PIN has 4-12",
    "err.differ", "两次输入不同", "They differ",
    "err.wrong", "密码错,剩%d次", "Wrong, %d left",
    "err.unknown", "无此操作员", "No such operator",
    "err.locked", "已锁,30分钟后试", "Locked 30 min",
    "err.role", "需要主管操作员", "Need supervisor",
    "err.custodian", "须主管或管理员", "Need supervisor",
    "err.same_person", "须另一位持有人", "Another person!",
    "err.hex", "请按数字或字母键", "Digit or ALPHA",
    "err.same", "不能与旧密码相同", "Same as before",
    # the self-test failed
    "locked", "终端已锁 %s", "LOCKED %s",
    "call", "电话%s", "Call %s",
    # a key that has no use here: what to press instead
    "key.digits", "无效键,请按数字", "Press a digit",
    "key.choose", "无效键,请按1-%d", "Press 1-%d",
    "key.swipe", "请刷卡或按取消", "Swipe or CANCEL",
    "key.enter_cancel", "请按确认或取消", "ENTER or CANCEL",
    "key.idle", "菜单请按确认键", "Menu: ENTER",
    "self_test_failed", "自检未通过", "Self-test failed",
    "no_trade", "已停止交易", "No sales",
    "journal_damaged", "流水损坏,已停售", "Journal damaged",
    "settle_with_enter", "结算按确认键", "Settle: ENTER",
)  # fmt: skip

# Errors that fill a screen: what happened and what to do next, up to three rows (48 columns).
PROBLEM = (
    # swiping
    "card.unreadable", "读卡失败,请重新刷卡", "Card not read. Swipe again.",
    "card.incomplete", "刷卡不完整,请匀速重刷", "Swipe broke off. Swipe again evenly.",
    "card.no_track2", "未读到二磁道,请换面重刷", "No track 2. Turn the card and swipe.",
    "card.format", "不是银行卡,请换卡", "Not a bank card. Use another card.",
    "card.number", "卡号校验错,请换卡", "Card number wrong. Use another card.",
    "pin_timeout", "输入密码超时,未扣款。请重新收款", "PIN too slow, not charged. Start anew",
    # engine
    "battery", "电量不足,请先充电", "Battery nearly empty. Charge first.",
    "full", "流水已满,请先结算", "Journal full. Settle first.",
    "nearly_full", "流水已用九成,请尽快结算", "Journal is 90% full. Settle soon.",
    "safe_mode", "安全模式,不能交易。请联系服务商", "Safe mode: no sales. Call service.",
    "flash", "存储故障,停止使用并联系服务商", "Memory fault. Stop and call service.",
    "no_host", "连接主机失败,未扣款。请检查网络后重试", "No connection, not charged. Check net, retry",
    "no_host_yet", "未扣款。网络恢复后重试", "Not charged. Try again later.",
    "no_master_key", "未装主密钥,请联系服务商", "No master key. Call service.",
    "sign_in_failed", "签到失败,请重试或联系收单机构", "Sign-in failed. Retry, or call acquirer",
    "keys", "密钥错误,请重新签到", "Key error. Sign in again.",
    "batch_differs", "批次号与主机不一致,请联系收单机构", "Batch differs from host: call acquirer",
    "reversal_owed", "冲正未成功,暂不能交易。请稍后重试", "Reversal failed: no sales. Try later.",
    # It is reversed before anything else: the goods are not paid, and paying again is safe.
    "unknown_result", "结果未知,视为未收款。将自动冲正,请重新收款", "Unknown: NOT paid. Reverses. Take pay again",
    "unknown_void", "撤销结果未知,将自动冲正。请重新撤销", "Unknown: will be reversed. Void it again.",
    "not_found", "无此凭证号,请查签购单", "No such voucher. See the slip.",
    "not_voidable", "该交易不能撤销", "This one cannot be voided.",
    "card_differs", "与原交易卡号不同,请用原卡", "Another card. Use the card of the sale.",
    "amount", "金额超出范围,请重新输入", "Amount out of range. Enter it again.",
    "unreadable", "该笔记录读不出,请联系服务商", "Record cannot be read. Call service.",
    "empty", "没有交易,不用结算", "No transactions: nothing to settle.",
    "settle_first", "上次结算未完成,请先结算", "Last settlement was cut off. Settle first.",
    "settle_unknown", "结算结果未知,请再次结算", "No answer: settle once more.",
    "settle_refused", "主机拒绝结算,请稍后重试", "Host refused to settle. Try again later.",
    "settle_override", "可由主管强制结算: 确认键。取消键稍后再试", "Supervisor may close: ENTER. Later: CANCEL",
    "settle_forced", "主管强制结算。异常报告交收单机构", "Closed. Give the report to the acquirer",
    "uploaded_all", "明细已上送。请凭结算单与收单机构对账", "Details sent. Check slip with acquirer",
    "upload_owed", "还有交易未上送,请稍后重试", "Sales are still unsent. Try again later.",
    "upload_first", "该笔尚未上送成功,请稍后再撤销", "Not at the host yet. Void it later.",
    "nothing_owed", "没有待上送的交易", "Nothing is to be sent.",
    "empty_batch", "本批次没有交易", "No transactions in this batch.",
    "newer", "有新版本的记录,请先升级程序", "Records of newer firmware: update first.",
    # why a sale could not be approved offline
    "offline_card", "无网络,此卡不可脱机。换卡或稍后", "No net; card needs it. Other card, later",
    "offline_amount", "无网络,超脱机单笔限额。稍后重试", "No net; above offline limit. Later.",
    "offline_count", "脱机笔数已满,请恢复网络后上送", "Offline count full. Restore net, send.",
    "offline_total", "脱机总额已满,请恢复网络后上送", "Offline total full. Restore net, send.",
    "offline_age", "脱机交易过久未上送,请恢复网络", "Offline sales too old. Restore network.",
    "offline_sign_in", "强制结算后须先联网签到,才可脱机", "Closed by force: sign in before offline",
    "offline_keys", "密钥库故障,不可脱机。联系服务商", "Key store fault: no offline. Service.",
    # the master key
    "key_offer", "未装主密钥。两位持有人到场后按确认录入", "No master key. Two custodians: ENTER",
    "key_differs", "两次输入不同,请重新输入该分量", "They differ. Type the component again.",
    "key_weak", "弱密钥或分量相同,不能使用。请重新输入", "Weak or equal components. Type it again.",
    "key_used", "该密钥已作他用,不能使用。请换一个密钥", "This key has another use. Take another.",
    "key_failed", "密钥未能存储,请联系服务商", "The key was not stored. Call service.",
    "key_stored", "主密钥已存储,请签到", "Key stored. Sign in now.",
    "service_stored", "服务密钥已存储", "Service key stored.",
    "key_cancelled", "已取消,没有存储密钥", "Given up: no key was stored.",
    # printer
    "print.paper", "打印机缺纸,装纸后按确认,取消键不打", "No paper. Load, then ENTER. CANCEL: later.",
    "print.cover", "打印机盖开,合上后按确认", "Cover open. Close it, then ENTER.",
    "print.heat", "打印头过热,稍候按确认", "Head too hot. Wait, then ENTER.",
    "print.voltage", "打印机电压不足,请充电后按确认", "Battery too low to print. Charge, ENTER",
    "print.cutter", "切刀卡住,排除后按确认", "Cutter jammed. Free it, then ENTER.",
    "print.broken", "打印机故障,请联系服务商", "Printer fault. Call service.",
    "print.offline", "打印机脱机,检查后按确认", "Printer offline. Check, then ENTER.",
    "print.no_answer", "打印机无应答,检查电源后按确认", "No answer: check power, then ENTER",
    "print.nothing", "没有可打印的交易", "Nothing to print.",
    # terminal
    "tampered", "外壳被打开,密钥已销毁。停用,联系服务商", "Case opened: keys gone. Call service.",
    "not_set_up", "终端未设置,请联系服务商", "Not set up. Call service.",
    "no_operators", "未建操作员,请联系服务商", "No operators. Call service.",
    "vault", "密钥库损坏,需重装主密钥,联系服务商", "Key store broken. Reload keys: service",
    "settings", "参数损坏,请联系服务商", "Parameters damaged. Call service.",
    "nvs", "设备密钥存储损坏,停用,联系服务商", "Secret store damaged: call service.",
    "vfs", "文件系统损坏,未格式化。请联系服务商", "File system damaged: call service.",
    "training_enter", "重启进入培训,真实交易不受影响", "Restart to train? Books stay.",
    "training_waits", "真实交易有待发,培训结束后才发送", "Unsent sales wait until it ends",
    "training_leave", "重启退出培训,培训记录将删除", "Restart? Training is erased.",
    "training_failed", "无法写入,模式未改变,联系服务商", "Cannot write, mode unchanged: service",
    "receipts_owed", "有签购单未打印。装纸后按确认补打", "Slips are owed. Load paper, ENTER prints",
    "interrupted", "上笔交易中断,未完成。将自动冲正,请重做", "Last one was cut off: reverses. Do it again",
    "locked", "自检未通过,终端已锁。联系服务商", "Terminal locked. No sales. Call service.",
    "records_lost", "部分流水读不出,请联系服务商核对账目", "Some records unreadable. Call service.",
)  # fmt: skip


def use(language):
    """language: "zh" or "en"."""
    global _language
    _language = _LANGUAGES[language]


def _find(table, key):
    """The text of `key`; a key is looked for in C, so that the tables need no index in RAM.
    ValueError when there is none."""
    return table[table.index(key) + 1 + _language]


def text(key, *args):
    """The text of `key` in the language in use, formatted with args."""
    s = _find(TEXT, key)
    return s % args if args else s


def problem(key):
    return _find(PROBLEM, key)


def known(key):
    return key in TEXT


def known_problem(key):
    return key in PROBLEM


def short(key, otherwise):
    """text(key) if there is such a text, else text(otherwise)."""
    return text(key if known(key) else otherwise)


def rows(table):
    """(key, Chinese, English) of each text of TEXT or PROBLEM."""
    for i in range(0, len(table), 3):
        yield table[i : i + 3]


def response(code):
    """Text of a host's response code in the language in use."""
    from .responses import response as of

    return of(code, _language)
