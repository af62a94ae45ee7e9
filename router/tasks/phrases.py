"""The words by which prompts are routed, as tables that a native speaker can read, correct and extend.

One line holds one language's phrases, separated by commas; a line without a language goes on from the one above. A
phrase stands for whole words, and `*` at its end lets the last word go on (`summari*` is summarize and summarising).
Chinese, Japanese and Korean write words together, so their phrases match inside a run of characters. `^` in front binds
a phrase to the start of the text; `0` is any number. Case, punctuation and line breaks never matter. At one place the
longest phrase wins: that is how `máy tính` (computer) hides `tính` (reckon). Vietnamese phrases of several syllables
are also found when typed without diacritics. All languages are searched at once, so a word that another language uses
for something else needs company: `la media`, not `media`.
"""

from collections.abc import Mapping
from typing import Final

from schemas.vocabulary import Task, Tier

# Words that ask for a tier; the tables are not in order of precedence, `router.tasks.analysis` is.
TIERS: Final[Mapping[Tier, str]] = {
    Tier.REASONING: """
        en: analyze, analyzes, analyzed, analyzing, analyse, analyses, analysed, analysing, analysis, reason, reasons,
            reasoned, reasoning, think, thinks, thinking, thought, explain, explains, explained, explaining,
            explanation, explanations, compare, compares, compared, comparing, comparison, comparisons, evaluate,
            evaluates, evaluated, evaluating, evaluation, evaluations, solve, solves, solved, solving, calculate,
            calculates, calculated, calculating, calculation, calculations, debug, debugs, debugged, debugging,
            review, reviews, reviewed, reviewing
        vi: phân tích, suy luận, lập luận, lý luận, lí luận, lý do, lí do, suy nghĩ, nghĩ, giải thích, lý giải,
            lí giải, so sánh, đối chiếu, đánh giá, thẩm định, giải quyết, giải phương trình, giải bất phương trình,
            giải hệ, giải bài, giải toán, giải giúp, giải câu, giải đố, lời giải, cách giải, hãy giải, ^ giải,
            tính toán, tính tổng, tính hiệu, tính tích, tính thương, tính giá trị, tính diện tích, tính thể tích,
            tính chu vi, tính xác suất, tính đạo hàm, tính tích phân, tính số, tính xem, tính giúp, tính trung bình,
            tính phần trăm, tính lãi, tính tiền, tính tuổi, tính thời gian, tính quãng đường, tính vận tốc,
            tính khoảng cách, tính độ dài, tính góc, tính chi phí, tính lương, tính thuế, tính điểm, tính khối lượng,
            tính nhanh, tính 0, hãy tính, ^ tính, gỡ lỗi, sửa lỗi, rà soát, xem xét, xem lại
        de: analysier*, analyse, begründe*, nachdenk*, denke, denken, denkst, überleg*, erklär*, erläuter*,
            vergleich*, bewert*, löse, lösen, löst, gelöst, berechn*, debugg*, überprüf*
        fr: raisonn*, réfléchi*, pense, penses, pensez, penser, expliq*, explication*, compare, compares, comparez,
            comparer, comparaison*, évalu*, résoudre, résous, résolvez, calcul, calcule, calculez, calculer, débog*,
            révise*, réviser, analyse, analyses, analyser, analysez, analysons
        es: análisis, razon*, piens*, pensar, resuelv*, explica, explicar, explique, explicación, compara, comparar,
            compare, comparación, resolver, resolvamos, calcula, calcular, calcule, cálculo, analiza, analizar,
            analice, evalúa, evaluar, evalúe, evaluación, depura, depurar, depure, revisa, revisar
        it: analizz*, analisi, ragion*, spieg*, valut*, risolv*, calcol*, pensa, pensare, pensi, pensiero, confronta,
            confrontare, confronto, paragona, paragonare, revisiona, revisionare
        zh: 分析, 推理, 思考, 解释, 解釋, 比较, 比較, 对比, 對比, 评估, 評估, 评价, 評價, 解决, 解決, 求解, 解方程,
            计算, 計算, 调试, 調試, 审查, 審查
        ja: 分析, 推論, 考えて, 考え方, 説明, 比較, 評価, 解決, 解いて, 解け, 計算, デバッグ, レビュー
        ko: 분석, 추론, 생각, 설명, 비교, 평가, 해결, 풀어, 푸시오, 풀이, 계산, 디버그, 디버깅, 검토
        """,
    Tier.FAST: """
        en: summary, summaries, summarize, summarizes, summarized, summarizing, summarise, summarises, summarised,
            summarising, summarization, quick, quickly, brief, briefly, simple, simply, list, lists, listed, listing,
            extract, extracts, extracted, extracting, extraction, translate, translates, translated, translating,
            translation, translations, rewrite, rewrites, rewrote, rewriting, rewritten, format, formats, formatted,
            formatting
        vi: tóm tắt, tóm lược, tóm gọn, nhanh, ngắn gọn, vắn tắt, ngắn thôi, đơn giản, liệt kê, danh sách, trích xuất,
            trích rút, rút trích, trích ra, dịch sang, dịch ra, dịch qua, dịch câu, dịch đoạn, dịch văn bản, dịch bài,
            dịch từ, dịch giúp, dịch cho, dịch hộ, dịch lại, dịch thuật, dịch nghĩa, dịch tiếng, dịch các, dịch những,
            dịch nội dung, dịch tài liệu, dịch thư, dịch email, dịch sau, dịch 0, hãy dịch, ^ dịch, bản dịch,
            phiên dịch, cần dịch, muốn dịch, viết lại, diễn đạt lại, định dạng
        de: zusammenfass*, zusammengefasst, schnell, kurz, kurze, kurzen, kurzer, kurzes, einfach, einfache,
            einfachen, einfacher, liste, auflist*, extrahier*, übersetz*, umschreib*, umformulier*, formatier*,
            format, fasse den, fasse die, fasse das, fasse diesen, fasse diese, fasse dieses, fasse folgend*,
            fassen sie
        fr: rapide, rapidement, bref, brève, brièvement, simple, simples, simplement, liste, listes, listez, lister,
            extrai*, extraction, tradui*, traduction*, réécri*, reformul*, résume, résumé, résumer, résumez, format,
            formate, formater, formatez
        es: rápid*, breve, breves, brevemente, sencill*, simple, simples, simplemente, lista, listas, listar, enumera,
            enumere, extrae, extraer, extraiga, extracción, traduc*, traduz*, reescrib*, formatear, resumen, resumir,
            resuma, resúmeme, formato, formatea, resume el, resume la, resume los, resume este, resume esta
        it: riassu*, rapido, rapida, rapidamente, breve, brevi, brevemente, semplice, semplici, semplicemente, elenc*,
            lista, liste, estrai, estrarre, estraete, estrazione, traduc*, traduzion*, riscriv*, formato, formatta*
        zh: 总结, 總結, 概括, 摘要, 快速, 简要, 簡要, 简短, 簡短, 简单, 簡單, 列出, 列表, 清单, 清單, 列举, 列舉,
            提取, 抽取, 翻译, 翻譯, 改写, 改寫, 重写, 重寫, 格式
        ja: 要約, 手短, 簡単, 簡潔, 素早く, 一覧, リスト, 列挙, 抽出, 翻訳, 書き直, 書き換え, フォーマット, 形式
        ko: 요약, 빠르게, 빨리, 간단, 간략, 짧게, 목록, 리스트, 나열, 추출, 번역, 다시 써, 다시 쓰, 다시 작성, 형식,
            포맷
        """,
    Tier.BALANCED: """
        en: batch, batches, batched, batching
        vi: hàng loạt, theo lô
        de: stapelverarbeitung, stapelweise
        fr: par lots, par lot
        es: por lotes, en lote
        it: in blocco, a lotti
        zh: 批量, 批处理, 批次處理
        ja: バッチ, 一括
        ko: 배치 처리, 배치로, 일괄
        """,
}

# Compounds in which a word of a tier means something else.
TIER_INNOCENTS: Final = """
    en: list price, think tank, think tanks, simple interest, simple past, simple present, for this reason,
        for that reason
    vi: nhanh hơn, nhanh nhất, nhanh dần, nhanh nhẹn, chạy nhanh, đi nhanh, bay nhanh, xe nhanh, thức ăn nhanh,
        đồ ăn nhanh, giao hàng nhanh, chuyển phát nhanh, tăng nhanh, phát triển nhanh, bản dịch vụ, máy tính,
        giới tính, tuyến tính, quán tính, đặc tính, thuộc tính, cá tính, dương tính, âm tính, tính đến 0, ^ dịch vụ,
        ^ dịch bệnh, ^ dịch cúm, ^ dịch tả, ^ dịch chuyển, ^ giải trí, ^ giải thưởng, ^ giải pháp, ^ giải đấu,
        ^ giải phóng, ^ tính năng, ^ tính cách, ^ tính chất, ^ tính từ, ^ tính đến
    de: vor kurzem, kurzgeschichte*
    zh: 计算机, 計算機, 量子计算, 云计算, 雲計算, 边缘计算
    ja: 計算機
    ko: 계산서, 계산기
    """

# A command says by itself what is asked for.
COMMANDS: Final[Mapping[Task, str]] = {
    Task.TRANSLATION: """
        en: translate*, translating, translation of, translation into, translation to, how do you say,
            how would you say, how to say, the spanish for, the french for, the german for, the english for,
            the vietnamese for, the chinese for, the japanese for, the korean for, spanish word for, french word for,
            german word for, english word for
        vi: dịch sang, dịch ra, dịch qua, dịch câu, dịch đoạn, dịch văn bản, dịch bài, dịch từ, dịch giúp, dịch cho,
            dịch hộ, dịch lại, dịch thuật, dịch nghĩa, dịch tiếng, dịch các, dịch những, dịch nội dung, dịch tài liệu,
            dịch thư, dịch email, dịch sau, dịch 0, hãy dịch, ^ dịch, bản dịch, phiên dịch, cần dịch, muốn dịch,
            chuyển ngữ, tiếng anh là gì, tiếng việt là gì, nói thế nào bằng tiếng, sang tiếng, tiếng việt nói,
            tiếng anh nói
        de: übersetz*, uebersetz*, wie sagt man, auf englisch heisst
        fr: tradui*, traduction*, comment dit on, comment dire
        es: traduc*, traduz*, cómo se dice, como se dice
        it: traduc*, traduzion*, come si dice
        zh: 翻译, 翻譯, 译成, 譯成, 译为, 譯為, 译文, 譯文, 英语怎么说, 英文怎么说, 中文怎么说, 用英语说, 英文怎麼說,
            用英文怎么, 英译中, 中译英, 英译汉, 汉译英, 翻成
        ja: 翻訳, 訳して, 訳しなさい, 訳せ, 英訳, 和訳, 英語で何と
        ko: 번역, 영어로 뭐, 영어로 어떻게, 한국어로 뭐, 영어로 옮, 한국어로 옮, 영어로 바꿔, 한국어로 바꿔, 영작,
            일본어로 어떻게, 중국어로 어떻게, 베트남어로 어떻게
        """,
    Task.SUMMARIZATION: """
        en: summari*, summary, sum up, sum this up, tl dr, tldr, in a nutshell, key points, main points,
            key takeaways, main takeaways, key ideas, main ideas, main idea of, distill, condense, the gist,
            boil down, boil this down, title for this, headline for this, title for the, headline for the following,
            recap this, shorten this, give me the highlights, write an abstract, in 0 sentences, in one sentence,
            in two sentences, in three sentences
        vi: tóm tắt, tóm lược, tóm gọn, tóm ý, ý chính, các ý chính, nội dung chính, điểm chính, những điểm chính,
            luận điểm chính, thông tin chính, đặt tiêu đề, tiêu đề cho, viết tiêu đề, tạo tiêu đề, rút gọn đoạn,
            rút gọn văn bản, rút gọn bài, cô đọng, trong 0 câu, tổng kết lại, tổng hợp lại, nói ngắn gọn thì, đại ý
        de: zusammenfass*, zusammengefasst, kernpunkte*, kernaussage*, hauptpunkte*, hauptaussage*,
            wichtigsten punkte, kurzfassung, überschrift für, fasse den, fasse die, fasse das, fasse diesen,
            fasse diese, fasse dieses, fasse mir, fasse folgend*, fassen sie
        fr: résum*, synthétis*, synthèse de, points clés, points principaux, idées principales, en bref, titre pour
        es: sintetiz*, síntesis, puntos clave, puntos principales, ideas principales, idea principal,
            en pocas palabras, título para, resumen, resumir, resuma, resúmeme, resume el, resume la, resume los,
            resume este, resume esta
        it: riassu*, sintetizz*, sintesi, punti chiave, punti principali, idee principali, in breve, titolo per
        zh: 总结, 總結, 概括, 摘要, 概述, 归纳, 歸納, 要点, 要點, 主旨, 大意, 中心思想, 主要内容, 主要內容, 提炼,
            提煉, 缩写, 拟一个标题, 拟标题, 写一个标题, 写标题, 生成标题, 取标题, 起标题, 一句话概, 精简, 太长不看
        ja: 要約, まとめて, 要点, 要旨, 概要, 要するに, 見出しを, タイトルを
        ko: 요약, 핵심 내용, 핵심내용, 핵심만, 핵심 포인트, 요점, 간추, 줄거리, 한 줄로, 한줄로, 0문장으로,
            세 문장으로, 제목을 생성, 제목을 만들, 제목을 지어, 제목을 작성, 제목을 붙, 주요 내용, 주요내용, 줄여
        """,
    Task.EXTRACTION: """
        en: extract*, named entit*, named entity, key concepts, pull out, list all the names, find all the names,
            find all mentions, keywords from, return a json, output a json, in json format, json array, json string,
            as json, in csv format, copy the sentence, quote the sentence, highlight the, count how many times
        vi: trích xuất, trích rút, rút trích, trích ra, trích lọc, thực thể, từ khóa, từ khoá, tìm tất cả các,
            tìm ra tất cả, lấy ra, chỉ ra các tên, liệt kê tất cả các tên, liệt kê các tên, liệt kê tên,
            định dạng json, dạng json, xác định các tên
        de: extrahier*, entitäten, entnehmen sie dem text, finde alle, finden sie alle, json format, im json,
            schlüsselwörter
        fr: extrai*, extraction, extray*, entités nommées, format json, chaîne json, mots clés
        es: extrae, extraer, extraiga, extraigan, extraído, extraídos, extracción, entidades, formato json,
            palabras clave
        it: estrai, estrarre, estraete, estragga, estrazione, entità, formato json, parole chiave
        zh: 提取, 抽取, 抽出, 摘出, 摘录, 摘錄, 找出文中, 找出所有, 实体, 實體, 关键词, 關鍵詞, 关键字, 列出文中,
            从文中找, 从文本中, 從文本中, 从文章中找, 从下面的文本, 从以下文本, 从段落中, json格式, json 格式
        ja: 抽出, 抜き出, 抜き書き, 取り出して, 固有表現, 固有名詞, キーワード, json形式, json 形式
        ko: 추출, 뽑아, 찾아내, 개체명, 개체를, 키워드, 발췌, json 형식, json 형태, json으로, json 으로, 골라내
        """,
    Task.REWRITE: """
        en: rewrit*, rewrote, paraphras*, rephras*, reword*, proofread*, fix the grammar, correct the grammar,
            grammar mistakes, grammatical errors, spelling mistakes, spelling errors, more formal, more polite,
            more professional, more concise, sound better, more natural, improve the writing, improve this,
            improve the following, polish this, polish the, polish my, edit the following, edit this, change the tone,
            into passive, into active, passive voice, another way to say, say this differently, in your own words,
            in other words, simplify the following text, simplify this, sound more, sound less, make it sound,
            make this sound, make this more, friendlier, correct the following
        vi: viết lại, diễn đạt lại, diễn giải lại, diễn đạt khác, cách diễn đạt khác, cách nói khác, cách viết khác,
            nói cách khác, sửa lỗi chính tả, lỗi chính tả, lỗi ngữ pháp, sửa ngữ pháp, chỉnh sửa, hiệu đính,
            trau chuốt, biên tập, trang trọng hơn, lịch sự hơn, chuyên nghiệp hơn, tự nhiên hơn, đặt lại câu, sửa câu,
            sửa đoạn, câu bị động, văn phong, nghĩa tương đương, mạch lạc hơn, dễ hiểu hơn, ngắn gọn hơn
        de: umschreib*, schreiben sie um, formuliere um, umformulier*, anders formulier*, paraphras*, korrigier*,
            korrekturles*, rechtschreib*, grammatikfehler, grammatikalische*, höflicher, förmlicher
        fr: réécri*, reformul*, paraphras*, corrig*, fautes d orthographe, fautes de, erreurs grammatic*,
            erreurs de grammaire, plus formel, plus poli
        es: reescrib*, parafras*, reformul*, corrig*, corrij*, errores gramaticales, errores de gramática, ortografía,
            más formal
        it: riscriv*, parafras*, riformul*, corregg*, errori grammaticali, errori di grammatica, più formale
        zh: 改写, 改寫, 润色, 潤色, 潤飾, 重写, 重寫, 换一种说法, 換一種說法, 换个说法, 换句话说, 换一种方式,
            换种方式, 校对, 校對, 语法错误, 語法錯誤, 病句, 错别字, 錯別字, 修改下, 修改以下, 修改这, 修改句子, 复述,
            複述, 重新表述, 更正式, 更礼貌, 同义句, 转述, 优化这段, 优化下面, 优化以下, 改成更, 改得更
        ja: 書き直, 書き換え, 言い換え, 校正, 添削, 推敲, リライト, 敬語に, 丁寧な表現に, 丁寧語に, 文法の誤り, 誤字
        ko: 다시 써, 다시 쓰, 다시 작성, 바꿔 써, 바꿔 쓰, 바꿔써, 바꾸어 쓰, 고쳐, 교정, 첨삭, 맞춤법, 다듬어,
            다른 말로, 다른 표현, 다르게 표현, 존댓말로, 반말로, 문법 오류, 재작성, 바꿔줘, 바꿔 줘, 바꿔 주세요,
            바꿔주세요, 문장으로 바꾸, 자연스럽게, 정중하게, 패러프레이즈
        """,
    Task.CLASSIFICATION: """
        en: classif*, categori*, sentiment, positive or negative, negative or positive, positive negative or neutral,
            spam, which category, what category, following categories, label the, which topic, what topic, toxic or,
            is the tone, same meaning, choose the category, pick the category, tag each, what genre, which genre
        vi: phân loại, phân lớp, cảm xúc, tích cực hay tiêu cực, tích cực tiêu cực, tích cực hoặc tiêu cực,
            tiêu cực hay tích cực, sắc thái, thuộc loại nào, thuộc chủ đề, thuộc danh mục, thuộc lĩnh vực,
            thuộc thể loại, thuộc nhóm nào, chủ đề nào, thể loại nào, danh mục nào, gán nhãn, nhãn nào, thư rác,
            tin rác, hài lòng hay, cùng nghĩa, cùng ý nghĩa
        de: klassifizier*, kategorisier*, einordn*, stimmung, sentiment, positiv oder negativ, welche kategorie,
            welcher kategorie, kategorien zu
        fr: classifi*, classer, classez, catégoris*, sentiment, positif ou négatif, positive ou négative,
            quelle catégorie
        es: clasific*, categoriz*, sentimiento, positivo o negativo, positiva o negativa, qué categoría,
            siguientes categorías
        it: classific*, categorizz*, sentimento, sentiment, positivo o negativo, positiva o negativa, quale categoria,
            seguenti categorie
        zh: 分类, 分類, 归类, 歸類, 情感, 情绪, 情緒, 正面还是负面, 积极还是消极, 正面或负面, 积极或消极,
            正面還是負面, 好评还是差评, 属于哪, 屬於哪, 属于以下, 属于下列, 哪一类, 哪一類, 哪类, 哪个类别, 什么类别,
            标签, 標籤, 褒贬, 垃圾邮件, 垃圾短信, 意思相同, 意思是否相同, 同一个意思, 打标
        ja: 分類, 感情, ポジティブかネガティブ, ポジティブ ネガティブ, 肯定的か否定的, どのカテゴリ, カテゴリーに,
            カテゴリに, ラベル, スパム, 同じ意味
        ko: 분류, 감정, 감성, 긍정 부정, 긍정인지, 긍정적인지, 긍정 또는, 긍정 혹은, 긍정이나, 긍정 중립, 부정인지,
            카테고리, 어느 범주, 어떤 범주, 라벨, 레이블, 스팸, 혐오, 같은 의미, 의미가 같은, 어떤 주제
        """,
    Task.CODING: """
        en: write a function, write a program, write a script, write a query, write code, write a code, write a regex,
            write a class, a function to, write a method, implement a function, implement a class,
            implement an algorithm, write an algorithm, debug*, refactor*
        vi: viết hàm, viết một hàm, viết chương trình, viết một chương trình, viết mã, viết code, viết đoạn code,
            viết đoạn mã, viết script, viết truy vấn, viết câu lệnh, gỡ lỗi, cài đặt hàm, triển khai hàm
        de: funktion schreib*
        fr: une fonction qui, une fonction pour, une fonction python
        es: una función que, una función para, una función en
        it: una funzione che, una funzione per
        zh: 编写函数, 编写一个函数, 写一个函数, 寫一個函數, 写函数, 写一个程序, 编写程序, 编写一个程序, 写个程序,
            调试, 写脚本, 编写脚本, 写一个脚本, 写一条sql, 写sql, 实现一个
        ja: 関数を書, 関数を作, 関数を実装, 実装, デバッグ
        ko: 프로그램을 작성, 프로그램을 짜, 프로그램을 만들, 함수를 작성, 함수를 구현, 함수를 만들, 함수를 짜,
            함수 작성, 디버그, 디버깅
        """,
    Task.MATH: """
        en: solve for, solve the equation, solve the inequality, calculate the, compute the, what is 0,
            evaluate the expression, simplify the expression, find the value of, solve the following equation
        vi: giải toán, tìm x, tính 0, tính giá trị, tính tổng, chứng minh rằng, rút gọn biểu thức, ^ tính, hãy tính,
            giải phương trình, giải bất phương trình, giải hệ, tính diện tích, tính thể tích, tính chu vi,
            tính xác suất, tính đạo hàm, tính tích phân, tính quãng đường, tính vận tốc
        de: berechn*, löse die, löse das, lösen sie
        fr: calculez, calculer, résous, résolvez, résoudre
        es: calcula, calcular, calcule, resuelve, resuelva
        it: calcol*, risolvi, risolvere
        zh: 计算, 計算, 求解, 求值, 證明, 证明, 等于多少, 等於多少, 求出, 解方程, 求证, 求證
        ja: 計算, 求めよ, 求めなさい, 求めて, 証明せよ, 証明して, 解きなさい, 解け
        ko: 계산, 구하시오, 구하세요, 구하라, 구하여라, 구해, 풀어라, 푸시오, 풀어 보세요
        """,
    Task.CREATIVE: """
        en: write a story, write a poem, write an essay, write a short story, short story, poem, haiku, limerick,
            sonnet, song lyrics, blog post, act as, role play, roleplay, pretend, imagine, picture yourself,
            you are now a, you are now an, embrace the role, assume the role, play the role, take on the role,
            brainstorm*, come up with, slogan, tagline, once upon a time, screenplay, love letter, cover letter,
            wedding speech, continue the story, compose a, compose an, draft a, draft an, creative, funny joke,
            tell me a joke, tell me a story, sentence using, sentence with, story about, poem about, write an email,
            write a letter, write a blog, write a speech, names for, name ideas, ideas for a
        vi: bài thơ, làm thơ, thơ lục bát, thơ, sáng tác, truyện ngắn, kể chuyện, kể một câu chuyện, một câu chuyện,
            viết truyện, viết bài văn, viết bài luận, bài luận, bài văn, viết thư, viết email, viết một email,
            viết một bức thư, bức thư, kịch bản, lời bài hát, đóng vai, nhập vai, tưởng tượng, giả sử bạn là,
            khẩu hiệu, slogan, bài quảng cáo, viết quảng cáo, bài phát biểu, bài diễn văn, viết tiếp, đặt câu với,
            đặt một câu, viết câu, viết một câu, bài blog, viết blog, sáng tạo, ý tưởng cho, truyện cười, soạn thảo,
            soạn một, viết lời chúc, lời chúc, bây giờ bạn là, từ giờ bạn là, đặt tên, cái tên cho
        de: gedicht*, kurzgeschichte*, eine geschichte, aufsatz, verfass*, entwirf, entwerf*, rolle, stell dir vor,
            stellen sie sich vor, versetz*, slogan*, schlagzeile*, witz, fiktiv*, kreativ*, angenommen sie sind,
            tun sie so, blogbeitrag, blog beitrag, blogartikel
        fr: poème*, une histoire, nouvelle courte, rédig*, composez, le rôle d*, le rôle de, faites vous passer,
            faites comme si, slogan*, blague, créati*, fictive, fictif, courriel, imaginez, imagine que, raconte*,
            invente, inventez
        es: poema*, una historia, un cuento, redact*, el papel de, actúa como, actúe como, haz de, finge, hazte pasar,
            eslogan, chiste, ficción, ficticio, correo electrónico, imagina, imagine que, imagínate, creativo,
            creativa, cuéntame, inventa
        it: poesia, una storia, un racconto, redig*, immagin*, il ruolo di, agisci come, fingi, fingere, slogan,
            barzelletta, comportati, e mail, immagina, immaginate, creativo, creativa, interpreta il ruolo,
            raccontami, inventa
        zh: 写一篇, 寫一篇, 写一首, 寫一首, 写首, 写个故事, 写一个故事, 寫一個故事, 写一封, 寫一封, 写一段, 寫一段,
            写封, 写篇, 编一个, 编个, 编写一个故事, 讲个故事, 讲一个故事, 故事, 作文, 小说, 小說, 散文, 诗歌, 首诗,
            首詩, 创作, 創作, 扮演, 假如你是, 如果你是, 假设你是, 假装, 假裝, 想象, 想像你, 广告语, 廣告, 文案, 口号,
            口號, 标语, 歌词, 歌詞, 剧本, 劇本, 续写, 續寫, 演讲稿, 演講稿, 造句, 笑话, 笑話, 对联, 情书, 你现在是,
            起个名字, 取个名字, 取名, 撰写, 撰寫, 头脑风暴, 博客, 用以下词, 造一个句子, 造一句
        ja: 物語, 詩を, 詩を書, 小説, 作文, エッセイ, 俳句, 短歌, 川柳, 歌詞, 役を演じ, 役割を演じ, になりきって,
            のふりをし, 想像して, キャッチコピー, スローガン, ブログ, メールを, 手紙, 創作, ストーリー, アイデアを,
            ジョーク, 文を作, スピーチ, 脚本を
        ko: 시를 써, 시를 지어, 시를 작성, 시 한 편, 소설, 이야기를 써, 이야기를 지어, 이야기를 만들, 이야기를 작성,
            이야기 하나, 동화, 수필, 에세이, 편지, 이메일, 광고 문구, 슬로건, 가사를, 대본, 역할극, 역할을, 상상해,
            상상하, 창작, 지어줘, 지어 줘, 블로그, 이어서 써, 이어 써, 글을 써, 글을 작성, 연설문, 인 척, 농담,
            문장을 만들, 문장 만들, 짧은 글, 창의, 아이디어를, 가정해, 너는 이제, 당신은 이제, 지금부터 너는,
            지금부터 당신은, 이름을 지어, 이름 지어
        """,
    Task.QA: """
        en: answer the question, answer the following question, answer this question, according to the passage,
            according to the text, based on the passage, based on the text, based on the context, multiple choice,
            choose the correct answer, select the correct answer, what is the capital, which of the following
        vi: trả lời câu hỏi, trả lời các câu hỏi, theo đoạn văn, dựa vào đoạn văn, dựa trên đoạn văn, dựa vào văn bản,
            dựa trên ngữ cảnh, chọn đáp án, đáp án đúng, đáp án nào, câu nào đúng, phát biểu nào, khẳng định nào,
            câu trả lời đúng
        de: beantwort*, laut dem text
        fr: répond*, selon le texte, d après le texte
        es: según el texto, responda, responde, responder, contesta, conteste, contestar
        it: rispond*, secondo il testo
        zh: 回答问题, 回答下列, 回答以下, 回答下面, 根据文章, 根据上下文, 根据短文, 根据段落, 根据材料, 根据以上,
            以下哪, 下列哪, 下面哪, 单选题, 選擇題, 选择题, 正确答案, 正确的是, 错误的是
        ja: 質問に答え, 問いに答え, 本文によると, 文章によると, 次のうち, 以下のうち, 正しいもの
        ko: 질문에 답, 질문에 대답, 물음에 답, 다음 중, 지문을 읽고, 본문에 따르면, 문맥을, 옳은 것, 옳지 않은
        """,
}

# A subject is what the prompt deals with, and so the kind of work it is unless a command says otherwise.
SUBJECTS: Final[Mapping[Task, str]] = {
    Task.CLASSIFICATION: """
        en: categories, category, feel about, satisfied or dissatisfied, hate speech, offensive or,
            one of the categories
        vi: ý định, thể loại, danh mục, thù ghét, xúc phạm, độc hại, lĩnh vực gì, lĩnh vực nào, chủ đề gì,
            thể loại gì, chọn một trong
        de: kategorie*
        fr: catégorie*
        es: categoría*
        it: categoria, categorie
        zh: 类别, 類別, 意图, 仇恨言论, 侮辱, 恶意
        ja: カテゴリ, ヘイト, 誹謗中傷
        ko: 범주, 의도, 악성, 욕설, 중 하나로, 중에서 고르, 중에서 선택
        """,
    Task.CODING: """
        en: function that, function to, python, javascript, typescript, java, c ++, golang, css, sql, regex,
            regular expression, source code, code snippet, codebase, stack trace, traceback, unit test, unit tests,
            pull request, compile error, time complexity, linked list, binary tree, this code, the code,
            following code, my code, pandas, numpy, django, react, docker, kubernetes, api endpoint, dataframe, bash,
            shell script, syntax error, stored procedure, git, html, c program
        vi: câu lệnh sql, câu truy vấn, lập trình, đoạn mã, mã nguồn, đoạn code, thuật toán, chuỗi ký tự,
            danh sách liên kết, cây nhị phân, biểu thức chính quy, biểu thức chính qui, mã lệnh, ngôn ngữ lập trình,
            hàm nhận vào, hàm trả về, lỗi biên dịch
        de: eine funktion, python programm, c ++ programm, quellcode, programmier*, algorithmus, algorithmen,
            regulärer ausdruck, den code, dieser code
        fr: un programme, programmation, algorithme*, code source, ce code, le code, expression régulière, débog*
        es: función python, un programa en, un programa que, programación, algoritmo*, código fuente, este código,
            el código, expresión regular, depur*
        it: funzione python, un programma, programmazione, algoritm*, codice sorgente, questo codice, il codice,
            espressione regolare
        zh: 代码, 代碼, 编程, 編程, 算法, 演算法, 数组, 陣列, 字符串, 字串, 链表, 鏈表, 二叉树, 调用, 报错, 腳本,
            正则表达式, 编译, 實作, 程式, 函式, 爬虫, 前端, 后端, 递归
        ja: コードを, コードの, このコード, ソースコード, プログラム, プログラミング, アルゴリズム, 配列, 文字列,
            バグ, スクリプト, 正規表現, コンパイル, クエリ, 二分木, 連結リスト
        ko: 코드, 코딩, 프로그래밍, 알고리즘, 배열, 문자열, 버그, 스크립트, 정규식, 정규 표현식, 정규표현식, 컴파일,
            쿼리, 연결 리스트, 이진 트리, 파이썬, 자바스크립트, 자바로
        """,
    Task.MATH: """
        en: greatest common divisor, greatest common factor, least common multiple, real number, real numbers,
            positive integer, positive integers, integers, polynomial, polynomials, quadratic, derivative of,
            integral of, remainder when, divisible by, prime number, prime numbers, probability that, perimeter,
            circumference, hypotenuse, inequality, square root, decimal places, common fraction, lowest terms,
            simplest form, arithmetic sequence, geometric sequence, area of, volume of, multiple of, multiples of,
            prime factor, prime factors, least possible, greatest possible, equation
        vi: phương trình, đạo hàm, tích phân, nguyên hàm, tam giác, hình chữ nhật, hình tròn, hình vuông, hình thang,
            diện tích, chu vi, thể tích, xác suất, số nguyên tố, số nguyên, số tự nhiên, số thực, phân số, ước chung,
            bội chung, logarit, ma trận, hàm số, cấp số, chia hết, số dư, trung bình cộng, bài toán, toán học,
            đa thức, giá trị của biểu thức, giá trị biểu thức
        de: gleichung*, ungleichung*, dreieck*, flächeninhalt, wahrscheinlichkeit, primzahl*, ganze zahl*,
            ganzen zahlen, ableitung, integral, wurzel, teilbar, polynom*
        fr: équation*, inéquation*, triangle*, aire, probabilité*, nombre premier, nombres premiers, nombre entier,
            nombres entiers, dérivée, intégrale, racine carrée, divisible, polynôme*, le reste
        es: ecuación, ecuaciones, inecuación, desigualdad, triángulo*, área, probabilidad, números primos,
            número primo, entero, enteros, derivada, integral, raíz cuadrada, divisible, polinomio*, el resto
        it: equazion*, disequazion*, triangolo, triangoli, probabilità, numeri primi, numero primo, numeri interi,
            derivata, integrale, radice quadrata, divisibile, polinomi*, il resto
        zh: 方程, 积分, 積分, 导数, 導數, 三角形, 长方形, 正方形, 圆的, 面积, 面積, 周长, 周長, 体积, 體積, 概率,
            機率, 质数, 質數, 素数, 正整数, 整数, 整數, 矩阵, 多项式, 半径, 直径, 公约数, 公倍数, 余数, 餘數, 整除,
            等差, 等比, 数列, 平均数, 数学题, 應用題, 应用题, 不等式, 函数f, 之和
        ja: 方程式, 積分, 微分, 三角形, 長方形, 正方形, 面積, 体積, 確率, 素数, 整数, 行列, 半径, 余り, 数列, 不等式,
            多項式
        ko: 방정식, 미분, 적분, 도함수, 삼각형, 사각형, 직사각형, 넓이, 둘레, 부피, 확률, 소수, 정수, 자연수, 행렬,
            다항식, 증명, 반지름, 공약수, 공배수, 나머지, 수열, 부등식, 제곱근, 수학
        """,
    Task.REASONING: """
        en: logic puzzle, logical, logically, logical reasoning, deduce, deductively, infer, tells the truth,
            telling lies, is lying, always lies, who is lying, telling the truth, riddle, puzzle, premise, premises,
            plausible, implausible, must be true, from the left, from the right, to the left of, to the right of,
            next in the sequence, next in the series, next number in, odd one out, does not belong, valid or invalid,
            ambiguous, is true false or, step by step, what could be the reasons, possible reasons, your reasoning,
            most likely cause, cause or effect, hypothesis, conclusion, first two statements, logic problem,
            brain teaser, what can be concluded, can we conclude, can be inferred, does it follow
        vi: suy luận, suy ra, logic, lập luận, câu đố, đố bạn, đố vui, nói dối, nói thật, kết luận nào, tiền đề,
            mệnh đề, từng bước, hợp lý nhất, hợp lí nhất, quy luật, qui luật, số tiếp theo, tiếp theo trong dãy,
            bên trái, bên phải, xếp theo thứ tự, nguyên nhân là gì, nguyên nhân nào, kết quả là gì, giả thuyết,
            mâu thuẫn, hàm ý, đúng sai hoặc, đúng sai hay, đúng hay sai, dẫn đến điều gì
        de: logisch*, rätsel, prämisse*, schlussfolger*, schritt für schritt, begründung, gehört nicht, lügt,
            aussagen, sagt die wahrheit
        fr: logique*, énigme*, prémisse*, déduire, déduis*, étape par étape, affirmation*, raisonnement,
            dit la vérité, n appartient pas
        es: lógic*, acertijo*, premisa*, paso a paso, afirmacion*, razonamiento, no pertenece, miente, dice la verdad,
            deduce, deducir
        it: indovinello, enigma, premess*, dedurre, passo dopo passo, affermazion*, ragionamento, non appartiene,
            dice la verità, logica, logico, ragionamento logico
        zh: 推理, 逻辑, 邏輯, 推断, 推斷, 推论, 推導出, 推出, 谜语, 謎語, 谜题, 说谎, 說謊, 撒谎, 说真话, 说的是真话,
            前提, 假设一, 假設一, 结论, 結論, 一步一步, 逐步, 一步步, 因果, 最可能的原因, 的原因是, 结果是什么,
            原因是什么, 左边, 右边, 左邊, 右邊, 规律, 下一个数, 最合理, 更合理, 矛盾, 蕴含, 侦探, 凶手, 脑筋急转弯,
            真还是假, 常识, 谁最
        ja: 推論, 論理, 推理, なぞなぞ, パズル, 嘘をつ, 嘘つき, 前提, 仮説, 結論, 一歩ずつ, 段階的に,
            ステップバイステップ, 順を追って, の左, の右, 矛盾, 規則性, 次に来る, 最も適切な原因, 仲間外れ
        ko: 추론, 논리, 추리, 수수께끼, 퍼즐, 거짓말, 진실을, 전제, 가설, 결론, 단계별로, 차근차근, 단계적으로,
            원인으로, 원인은, 결과로, 결과는 무엇, 참인지, 참 거짓, 참과 거짓, 왼쪽, 오른쪽, 규칙을 찾, 다음에 올,
            논증, 모순, 함의, 범인, 상식
        """,
    Task.CREATIVE: """
        en: write, compose, draft, ^ create, ^ generate a, ^ describe a
        vi: viết, hãy tạo, ^ tạo
        de: schreib*, erstell*
        fr: écri*, ^ créez, compose
        es: escrib*, ^ crea
        it: scriv*, ^ crea
        zh: 写一, 寫一, 写个
        ja: 書いて, 書け, 書きなさい, 作成して
        ko: 써줘, 써 줘, 써 주세요, 써주세요, 쓰시오, 쓰세요, 써라, 작성해, 작성하
        """,
    Task.QA: """
        en: question
        vi: câu hỏi
        de: frage
        fr: question suivante
        es: pregunta
        it: domanda
        zh: 问题, 問題
        ja: 質問
        ko: 질문
        """,
}

# A hint only fits a task; it decides where nothing stronger is said.
HINTS: Final[Mapping[Task, str]] = {
    Task.TRANSLATION: """
        en: into english, into french, into german, into spanish, into vietnamese, into chinese, into japanese,
            into korean, into italian
        vi: bằng tiếng anh
        zh: 成英文, 成中文, 成英语
        ja: 日本語に, 英語に
        ko: 영어로, 한국어로, 베트남어로, 중국어로, 일본어로
        """,
    Task.SUMMARIZATION: """
        en: article, articles, document, headline, bullet points, abstract, title
        vi: bài báo, bản tin, văn bản, tiêu đề, gạch đầu dòng
        de: artikel
        fr: article
        es: artículo
        it: articolo
        zh: 文章, 新闻, 新聞, 标题, 這篇
        ja: 記事, 文章
        ko: 기사, 다음 글, 제목
        """,
    Task.EXTRACTION: """
        en: identify, find all, list all, from the text, from the passage, from the paragraph, from the following,
            from this, json, csv, mentioned in, names of, count how many
        vi: xác định, trong đoạn văn, từ đoạn văn, trong văn bản, từ văn bản, trong câu, json, tìm các, tìm tên,
            được nhắc đến, xuất hiện trong
        de: identifizier*, json, aus dem text, zähl*
        fr: json, du texte, compter, identifiez, identifier
        es: json, del texto, identifica, identificar, identifique
        it: json, dal testo, identifica, identificare, individua
        zh: 找出, 识别, 識別, 文中, 从下, 从以, 從以下, 人名, 地名, 全部列出, 机构名, 文本中, 提到的
        ja: 文中, 本文から, 文章から, 人名, 見つけて
        ko: 본문에서, 지문에서, 문장에서, 글에서, 텍스트에서, 찾아, 인명, 지명, 나열, 언급된
        """,
    Task.REWRITE: """
        en: grammar, spelling, formal, tone
        vi: ngữ pháp, chính tả, sửa lại, hay hơn, chuyển câu, câu văn
        zh: 语法, 語法, 修改, 优化, 通顺, 语气, 改成, 改为, 改為
        ja: 文法, 直して, 修正, 丁寧
        ko: 문법, 바꿔, 바꾸, 공손, 표현, 수정해
        """,
    Task.CLASSIFICATION: """
        en: label, labels, positive, negative, neutral, reviewer, tweet, intent, emotion, topic, review
        vi: tích cực, tiêu cực, trung tính, trung lập, nhãn, chủ đề, bình luận, đánh giá, tức giận, buồn bã
        de: positiv, negativ, neutral
        fr: positif, négatif, neutre
        es: positivo, negativo, neutral
        it: positivo, negativo, neutro
        zh: 正面, 负面, 負面, 积极, 消极, 中性, 主题, 评论, 評論, 好评, 差评, 愤怒, 悲伤, 之一, 以下之一
        ja: ポジティブ, ネガティブ, 肯定的, 否定的, 中立, 意図, レビュー
        ko: 긍정, 부정, 중립, 리뷰, 주제
        """,
    Task.CODING: """
        en: code, coding, function, functions, algorithm, algorithms, array, arrays, string, strings, implement,
            implementing, program, programming, database, api, bug, software, tuple, tuples, lambda, boolean, website,
            server, compile, command line, environment variable, variables
        vi: hàm, mảng, code, mã, cơ sở dữ liệu, chương trình, phần mềm, trang web, ứng dụng, máy chủ, biến
        de: funktion, funktionen, programm, code, implementier*, skript, datenbank*, website, array*, liste
        fr: fonction, fonctions, code, implément*, tableau, tableaux, développ*
        es: función, funciones, programa, código, implement*, array*, arreglo*, sitio web, desarroll*
        it: funzione, funzioni, programma, codice, implement*, array, sito web, svilupp*
        zh: 函数, 函數, 程序, 实现, 数据库, 資料庫, 接口, 网页, 列表, 变量, 软件
        ja: 関数, コード, データベース, リスト, 変数, サーバー, ウェブサイト
        ko: 함수, 프로그램, 구현, 데이터베이스, 변수, 웹사이트, 리스트, 서버
        """,
    Task.MATH: """
        en: triangle, circle, rectangle, probability, derivative, integral, matrix, vector, vertices, divisible,
            remainder, area, volume, radius, diameter, integer, sum, product, fraction, percent, percentage, average,
            total, equal, equals, expression, digits, digit, coordinates, angle, degrees, evaluate, simplify, compute,
            calculate, solve, factor, ratio, per hour, per day, per week, each, altogether, twice, half,
            times as many, cost, costs, dollars, cents, profit, combined, miles, left, equal to, roots, math,
            value of, increased by, increases by, discount, remaining, times as, times more, times longer, years old
        vi: tổng, hiệu, tích, thương, trung bình, phần trăm, bán kính, đường kính, góc, mỗi, gấp đôi, một nửa,
            còn lại, tổng cộng, đồng, toán, tính, tất cả, lãi suất, vận tốc, quãng đường, lợi nhuận
        de: summe, durchschnitt*, prozent, radius, wert von, zahl, hälfte, doppelte, insgesamt, dividiert, geteilt
        fr: somme, moyenne, pourcent*, rayon, valeur de, nombre, moitié, reste, au total, divisé, dollars, euros,
            le double
        es: suma, promedio, porcentaje, valor de, número, mitad, doble, resto, en total, dólares, el radio, dividido
        it: somma, percentuale, raggio, valore di, numero, metà, doppio, resto, in totale, dollari, la media, diviso
        zh: 平均, 百分之, 一共, 总共, 總共, 还剩, 還剩, 剩下, 每, 两倍, 一半, 坐标, 数学, 數學, 元, 美元, 向量, 求,
            比例, 小时, 公里, 分数
        ja: 平均, パーセント, 合計, 全部で, 残り, 半分, 倍, 円, 数学, ドル, 分数, ベクトル
        ko: 평균, 퍼센트, 모두, 총, 합계, 남은, 남았, 절반, 배, 원, 달러, 좌표, 분수, 벡터, 시속, 각각, 합은
        """,
    Task.REASONING: """
        en: why might, why would, what might, what would, where would, where might, what could, where could,
            would you, might someone, if you, someone, true, false, valid, statement, statements, argument, sequence,
            options, analyze, compare, taller than, older than
        vi: phân tích, so sánh, nếu, vì vậy, giả sử, đúng, sai, hợp lý, có khả năng, đứng trước, đứng sau, cao hơn,
            lớn tuổi hơn, câu nào, lựa chọn, thấp nhất, cao nhất, lớn nhất
        de: gründe, wahr, falsch, wenn, sortier*
        fr: raisons, vraie, fausse, vrai, faux
        es: razones, verdadera, falsa, verdadero, falso, razonable
        it: ragioni, vera, falsa, vero, falso
        zh: 如果, 那么, 因此, 分析, 比较, 比較, 可能, 判断, 判斷, 真, 假, 甲, 乙, 丙, 为什么会, 应该
        ja: もし, 分析, 比較, 可能性, 判断, より, 一番
        ko: 만약, 따라서, 분석, 비교, 가능성, 판단, 참, 거짓, 보다
        """,
    Task.CREATIVE: """
        en: story, essay, letter, vivid, persuasive, engaging, captivating, words or less, paragraphs, design a,
            help me, ^ you are a, ^ you are an
        vi: câu chuyện, nhân vật, lá thư, sinh động, hấp dẫn, thuyết phục, thiết kế, bài viết, ^ bạn là một
        de: e mail, überzeugend*, lebendig*, fesselnd*, absatz, absätz*
        fr: lettre, convaincant*, captivant*, paragraphe*
        es: carta, persuasiv*, cautivador*, párrafo*
        it: lettera, persuasiv*, avvincent*, paragraf*
        zh: 写, 寫, 邮件, 郵件, 诗, 詩, 角色, 描写, 段落, 生动, 设计, 创意, 有趣, 编写, 你是一名, 你是一个, 你是一位
        ja: 登場人物, 段落, メール, 魅力的, 考えて
        ko: 작성, 이야기, 시를, 주인공, 문단, 단락, 매력적, 만들어
        """,
    Task.QA: """
        en: what, who, whom, whose, when, where, why, which, how, explain*, describe*, define, suggest, recommend,
            propose, definition of, discuss, tell me, give me, answer, do you, ^ is, ^ are, ^ does, ^ do, ^ did,
            ^ can, ^ was, ^ were, ^ has, ^ will, ^ should, name the, name a, outline, passage, context, choices,
            meaning of, difference between, tell me about
        vi: gì, nào, đâu, ai đã, ai là, của ai, do ai, bởi ai, khi nào, bao giờ, tại sao, vì sao, sao, thế nào,
            ra sao, bao nhiêu, mấy, có phải, giải thích, mô tả, định nghĩa, nêu, kể tên, giới thiệu, khái niệm,
            phải không, đúng không, được không, không ạ, trả lời, đoạn văn, ngữ cảnh, khác nhau, hỏi, là ai,
            bạn có thể, gợi ý, đề xuất, cho biết, trình bày
        de: wer, wen, wem, wo, wann, warum, wieso, weshalb, wie, welche*, welcher, welches, was ist, was sind,
            was bedeutet, was war, was sollte, was versteht, beschreib*, nenn*, diskutier*, was geschieht,
            was passiert, schlagen sie, erklär*, erläuter*, erörter*
        fr: qui, quoi, où, quand, pourquoi, quel, quelle, quels, quelles, qu est, ^ comment, comment fonctionne,
            décri*, définiss*, combien, pouvez vous, donnez, expliq*
        es: qué, quién, quiénes, dónde, cuándo, por qué, cómo, cuál, cuáles, cuánto, cuántos, ^ que es, ^ quien,
            ^ cual, ^ cuando, ^ donde, ^ como, describe, describa, define, defina, discuta, comparta, sugiere,
            explica, explicar, explique
        it: cosa, ^ chi, chi è, ^ dove, ^ quando, perché, ^ come, qual, quale, quali, quanto, quanti, descriv*,
            definisci, suggerisci, discuti, spieg*
        zh: 什么, 什麼, 谁, 誰, 哪, 何时, 何時, 怎么, 怎麼, 怎样, 如何, 为什么, 為什麼, 吗, 嗎, 多少, 是否, 解释,
            解釋, 介绍, 介紹, 说明, 說明, 描述, 回答, 请问, 請問, 简述, 何为, 呢, 区别, 阅读, 为何, 何处, 哪里,
            什么是, 答案, 建议, 几, 推荐
        ja: 何, 誰, どこ, いつ, なぜ, どうし, どの, どれ, どんな, ですか, ますか, でしょうか, とは, 説明, 違い,
            いくつ, いくら, 述べ, おすすめ, 提案, 教えて
        ko: 무엇, 무슨, 뭐, 누구, 누가, 어디, 언제, 왜, 어떻게, 어느, 어떤, 몇, 얼마, 인가, 까요, 나요, 니까, 설명,
            알려, 답하, 서술, 소개, 차이, 대답, 지문, 에 대해, 답을, 답변, 추천, 제안
        """,
}

# Asking for an amount is arithmetic where the text gives numbers to reckon with, and a plain question elsewhere.
QUANTITIES: Final = """
    en: how many, how much, how long, how old, how far, how fast, what is the total, what is the average,
        what was the total, what percent*, what fraction, how late, how large, how high, how tall, how heavy
    vi: bao nhiêu, mấy, hỏi có, bao lâu, bao xa
    de: wie viel*, wieviel*, wie hoch, wie groß, wie lange, wie lautet der rest
    fr: combien, quel est le montant, quel est le reste, quelle est la somme
    es: cuánto, cuánta, cuántos, cuántas, cuál es el resto
    it: quanto, quanta, quanti, quante, qual è il resto
    zh: 多少, 几个, 几只, 几天, 几本, 几块, 几元, 几小时, 几岁, 几次, 几人, 几公里, 几分钟, 几颗, 几支, 几张, 幾個,
        幾天, 多久, 多远, 多长
    ja: いくつ, いくら, 何個, 何人, 何円, 何本, 何匹, 何枚, 何時間, 何分, 何冊, 何歳, 何ドル, 何日, 何キロ,
        何メートル, どれだけ
    ko: 몇, 얼마
    """

# Compounds in which a word of a task means something else.
TASK_INNOCENTS: Final = """
    en: in order to, area code, class action, left wing, right wing, prime minister
    vi: dịch vụ, máy tính, tính năng, tính cách, tính chất, hàm lượng, sao chép, ngôi sao, đồng thời, đồng ý,
        hội đồng, cộng đồng, hợp đồng, phổ biến, tổng thống, tổng giám đốc, thương mại, thương hiệu, góc nhìn,
        hiệu quả, hiệu ứng, tính từ, tính đến, giới tính, tuyến tính, mã số, mã vạch, biến đổi khí hậu, biến đổi,
        sao hỏa, hàm răng, sao mộc, dù sao, ^ dịch vụ, ^ dịch bệnh, ^ dịch cúm, ^ dịch tả, ^ dịch chuyển, ^ tính năng,
        ^ tính cách, ^ tính chất, ^ tính từ, ^ tính đến
    de: fassen sie sich, fasse dich, geschichte der
    zh: 几乎, 几何, 真正, 真的, 假期, 信息, 信任, 相信, 公元, 单元, 要求, 需求, 追求, 请求, 计算机, 計算機, 量子计算,
        云计算, 情感小说, 元素
    ja: 何か, 計算機
    ko: 총리, 원래, 직원, 지원, 배경, 배우, 배터리, 회원, 공원, 병원, 부정사, 참가, 참여, 참고, 왜냐하면, 계산기,
        계산서, 원칙, 원소
    """
