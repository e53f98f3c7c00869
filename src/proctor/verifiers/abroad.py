"""Reads the number that the last sentence says in Chinese, Japanese or Korean, whose words stand beside it without a space: "斜辺の長さは 10 です。".

Only a number that stands right behind a word that leads to one ("は", "는", "모두", "是"), and behind which nothing but a counter or a unit and the end
of the sentence come. What is denied, doubted, supposed or asked is no answer, and neither is the last of several numbers.
"""

from __future__ import annotations

import re
from fractions import Fraction

from proctor.verifiers.patterns import among, any_of
from proctor.verifiers.units import UNITS

_MAX_CHARS = 4000
_MAX_SENTENCE_CHARS = 300
_LETTER = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_ABROAD = re.compile(_LETTER)
_SENTENCE_END = re.compile(r"[。！？!?\n]+\s{0,9}|\.(?!\d)\s{0,9}")
_LEADS = """
は が で を 全部で 合計 合わせて 答え 答えは = ＝ : ： 은 는 이 가 모두 총 전부 합계 답은 是 为 為 等于 等於 共 共有 一共 总共 得 得到 需要 有 还剩 還剩 剩下
"""
_SAID = re.compile(
    rf"(?P<lead>{among(_LEADS)})[、,，]?\s{{0,3}}[*$]{{0,3}}"
    r"(?P<number>[-\u2212]?\d{1,3}(?:,\d{3}){1,9}(?![\d,])|[-\u2212]?\d{1,30}(?:\.\d{1,30})?(?:\s?/\s?\d{1,30})?)"
    r"(?P<unit>\s?(?:%|％|[A-Za-zμ°Ω][A-Za-z]{0,9}(?:[²³]|/[A-Za-z]{1,5})?))?[*$]{0,3}\s{0,3}"
    rf"(?P<rest>{_LETTER}{{0,12}})[*\s]{{0,4}}\Z"
)
_UNITS = {
    **dict.fromkeys(("キロメートル", "킬로미터", "千米", "公里"), "km"),
    **dict.fromkeys(("センチメートル", "センチ", "센티미터", "厘米", "公分"), "cm"),
    **dict.fromkeys(("ミリメートル", "밀리미터", "毫米"), "mm"),
    **dict.fromkeys(("メートル", "미터", "米"), "m"),
    **dict.fromkeys(("キログラム", "킬로그램", "千克", "公斤"), "kg"),
    **dict.fromkeys(("グラム", "그램", "克"), "g"),
    **dict.fromkeys(("リットル", "리터", "升"), "L"),
    **dict.fromkeys(("時間", "시간", "小时", "小時"), "hours"),
    **dict.fromkeys(("分钟", "分鐘", "分間", "分", "분"), "minutes"),
    **dict.fromkeys(("秒", "초"), "seconds"),
    **dict.fromkeys(("円", "日元"), "yen"),
    **dict.fromkeys(("度", "도"), "degrees"),
}
_COUNTERS = """
個 人 本 枚 匹 台 冊 回 通り つ 歳 点 円 日 週間 年 か月 개 명 권 마리 대 번 가지 살 점 원 일 장 자루 송이 个 個 只 本 支 条 张 次 种 名 天 元 岁 辆 页
颗 粒 块 瓶 盒 袋 棵 朵 头
"""
_COPULAS = """
です である となります となる になります になる だ でした です必要です 必要です あります ある います いる
입니다 이다 이에요 예요 다 됩니다 된다 있습니다 필요합니다
"""
_COUNTED = r"[个個只本支条张次种名辆颗粒块瓶盒袋棵朵头](?:(?![一二三四五六七八九十百千万半多余几的左右上下之约分])[\u4e00-\u9fff]){1,3}"
"""A counter and what is counted, in Chinese: "颗糖". A numeral behind a counter is a part of the number: "块五"."""
_REST = re.compile(rf"{_COUNTED}|(?P<unit>{among(' '.join(sorted(_UNITS, key=len, reverse=True)))}|{among(_COUNTERS)})?(?:が|이|가|を)?(?:{among(_COPULAS)})?")
_DOUBTS = """
ない ません でしょうか だろう かもしれ もし 仮に または もしくは あるいは たぶん おそらく 違い 間違 誤り ではなく
아니 아닙 아닌 않 또는 혹은 아마 만약 만일 가정 틀 오답 수도
不 非 没 沒 错 錯 误 誤 或 可能 也许 大概 假设 假設 如果 若 吗 嗎 か? か？ 까? 까？ ?
"""
_DOUBTED = re.compile(among(_DOUBTS))


_ASKED = re.compile(rf"(?:多少|几|幾|何|몇)\s?(?P<unit>{among(' '.join(sorted(_UNITS, key=len, reverse=True)))})")
_ANSWER = re.compile(
    any_of(
        r"(?:答案|答え|정답)(?:\s?(?:是|为|為|は|은)\s?[:：]?|\s?[:：])",
        r"(?:故|所以|应|正确)选(?:项|择)?(?:是|为)?\s?[:：]?",
        r"(?i:\b(?:la |die |a |l['’])?(?:réponse|respuesta|risposta|resposta|antwort|ответ)(?: (?:est|es|è|é|ist|lautet))?\s?:?\s)",
    )
    + r"(?=\*{0,2}\s?(?:[$\\(]|[A-J](?![A-Za-z])|[-\u2212]?\d[\d.,/π√]{0,30}\*{0,2}[。.！!]?[ \t]*(?:\n|\Z)))"
)
_DENIAL = re.compile(r"[不非没沒错錯否怎아的]|\b(?:no|nicht|pas|non|falsche?|mauvaise|mala|неверный|que)\b", re.IGNORECASE)


def with_english_labels(text: str) -> str:
    """A text with "Answer: " for what leads to an answer in other languages, before a letter, a formula or a number that ends its line, and not denied."""
    return _ANSWER.sub(lambda found: found.group() if _DENIAL.search(text[max(0, found.start() - 10) : found.start()]) else "Answer: ", text)


HEDGED_BEFORE = (
    r"(?:\d\s(?:o|ou|oder|или)\s|\bno es\s|n['’]est pas\s|\bnon è\s|\bnão é\s|\bnicht\s|\bkeine?\s|\bне\s|"
    r"または|もしくは|あるいは|或者?|또는|혹은|不是|[并並]非|不等[于於])\s{0,3}[*$]{0,3}"
)
HEDGED_AFTER = any_of(
    r"\s(?:o|ou|oder|или)\s\d",
    r"\s?[万萬億亿千百十半만억천백반]",
    rf"\s?{_LETTER}{{0,6}}\s?(?:では?な|では?あり|じゃな|ですか|でしょうか|かもしれ|아니|아닙|아닌|니까|[吗嗎]|または|또는|혹은|或)",
)
"""What stands around a number that is hedged, denied or asked, or is another one, in these languages."""


def said_abroad(text: str, prompt: str) -> tuple[str, str] | None:
    """Return the number that the last sentence of a text says, with its unit, and what stands before it; None where it is in other letters, or not plain.

    Args:
        text: what the model wrote after its reasoning.
        prompt: of the task; where it asks for centimeters in these languages, 10 meters are 1000.
    """
    tail = text[-_MAX_CHARS:].rstrip(" \t\n*。.!！")
    last = _SENTENCE_END.split(tail)[-1].strip()
    if len(last) > _MAX_SENTENCE_CHARS or _ABROAD.search(last) is None or text.rstrip(" \t\n*。.!！").endswith(("?", "？", "か", "까")):
        return None
    found = _SAID.search(last)
    rest = None if found is None else _REST.fullmatch(found["rest"])
    if found is None or rest is None or _DOUBTED.search(last):
        return None
    number, unit = found["number"], found["unit"] or _UNITS.get(rest["unit"] or "", "")
    return _in_asked_unit(number, unit.strip().replace("％", "%"), prompt), last[: found.start()]


def _in_asked_unit(number: str, unit: str, prompt: str) -> str:
    """A number in the unit that the prompt asks for, where it is said in another one of that dimension."""
    asked = _ASKED.search(prompt)
    wanted, given = UNITS.get(_UNITS[asked["unit"]] if asked is not None else ""), UNITS.get(unit)
    if asked is None or wanted is None or given is None or wanted == given or wanted.powers != given.powers:
        return f"{number} {unit}".strip()
    top, _, bottom = re.sub(r"[,\s]", "", number.replace("\u2212", "-")).partition("/")
    return f"{Fraction(top) / Fraction(bottom or 1) * given.scale / wanted.scale}" if Fraction(bottom or 1) else ""
