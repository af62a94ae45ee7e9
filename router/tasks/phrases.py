"""The words by which tasks are told, as tables that a native speaker can read, correct and extend.

One line holds one language's phrases, separated by commas; a line without a language goes on from the one above. A
phrase stands for whole words, and `*` at its end lets the last word go on (`summari*` is summarize and summarising).
Chinese, Japanese and Korean write words together, so their phrases match inside a run of characters. `^` in front binds
a phrase to the start of the text; `0` is any number. Case, punctuation and line breaks never matter. At one place the
longest phrase wins: that is how `máy tính` (computer) hides `tính` (reckon). Diacritics never matter; Vietnamese
phrases of one syllable therefore count only in texts that look Vietnamese. All other phrases are searched in all texts,
so a word that another language uses for something else needs company: `la media`, not `media`.
"""

from collections.abc import Mapping
from typing import Final

from schemas.vocabulary import Task

# A command says by itself what is asked for.
COMMANDS: Final[Mapping[Task, str]] = {
    Task.TRANSLATION: """
        en: in german for me, in spanish please, english please, put this in french, what does this mean in english,
            into plain english, render this, localize, localise, say this in, translate*, translating, translation of,
            translation into, translation to, how do you say, how would you say, how to say, the spanish for,
            the french for, the german for, the english for, the vietnamese for, the chinese for, the japanese for,
            the korean for, spanish word for, french word for, german word for, english word for
        vi: ra tiếng, qua tiếng, tiếng hàn nói, tiếng nhật nói, trong tiếng anh là, bản tiếng việt,
            nghĩa là gì trong tiếng, dịch sang, dịch ra, dịch qua, dịch câu, dịch đoạn, dịch văn bản, dịch bài,
            dịch từ, dịch giúp, dịch cho, dịch hộ, dịch lại, dịch thuật, dịch nghĩa, dịch tiếng, dịch các, dịch những,
            dịch nội dung, dịch tài liệu, dịch thư, dịch email, dịch sau, dịch 0, hãy dịch, ^ dịch, bản dịch,
            phiên dịch, cần dịch, muốn dịch, chuyển ngữ, tiếng anh là gì, tiếng việt là gì, nói thế nào bằng tiếng,
            sang tiếng, tiếng việt nói, tiếng anh nói
        de: ins englische, ins deutsche, ins spanische, ins französische, ins italienische, auf spanisch, was heißt,
            übersetz*, uebersetz*, wie sagt man, auf englisch heisst, übertrag* ins, auf französisch bitte,
            auf italienisch bitte, wie heißt das auf, deutsch bitte, verdeutsch*, eindeutsch*, dolmetsch*
        fr: en anglais, en espagnol, en italien, en allemand, version espagnole, version anglaise, que veut dire,
            tradui*, traduction*, comment dit on, comment dire, mets en anglais, mettez en anglais, passe en anglais,
            en français s il, en français svp, version française, comment on dit, ça se dit comment
        es: al inglés, al francés, al alemán, al español, en inglés, en alemán, pásame al, qué quiere decir, traduc*,
            traduz*, cómo se dice, como se dice, pásalo al, pasa al inglés, pasa esto al, pásame esto al,
            ponlo en inglés, cómo digo, vierte al, versión en inglés
        it: in inglese, in tedesco, in francese, in spagnolo, come si dice, cosa vuol dire, traduc*, traduzion*,
            passa in inglese, versione inglese, come dico
        zh: 翻成, 翻译成, 英译, 日语怎么说, 韩语怎么说, 法语怎么说, 德语怎么说, 给个中文版, 中文叫, 翻译, 翻譯, 译成,
            譯成, 译为, 譯為, 译文, 譯文, 英语怎么说, 英文怎么说, 中文怎么说, 用英语说, 英文怎麼說, 用英文怎么,
            英译中, 中译英, 英译汉, 汉译英
        ja: 英訳, 中国語にして, 日本語にして, 英語にして, って英語で, スペイン語で, 韓国語に訳, 翻訳, 訳して,
            訳しなさい, 訳せ, 和訳, 英語で何と
        ko: 영문화, 일본어로 옮, 우리말로, 무슨 말이야, 베트남어로 바꿔, 영역, 번역, 영어로 뭐, 영어로 어떻게,
            한국어로 뭐, 영어로 옮, 한국어로 옮, 영어로 바꿔, 한국어로 바꿔, 영작, 일본어로 어떻게, 중국어로 어떻게,
            베트남어로 어떻게
        pt: traduz*, traduc*, como se diz, como se fala, verta para, passa pro, passe para o inglês, coloca em inglês,
            coloque em inglês, como digo, como fala, versão em inglês, em inglês fica
        id: terjemah*, alihbahasa*, bahasa inggrisnya, bahasa indonesianya, dalam bahasa inggris apa, terjemahin,
            artikan, bahasa jepangnya, bahasa koreanya, bahasa arabnya, bahasa mandarinnya, ke dalam bahasa, alih bahasa
        """,
    Task.SUMMARIZATION: """
        en: give me the gist, in one line, takeaways, the short version, executive summary, minutes please,
            abstract of, synthesize, synthesise, boil the, too long, summari*, summary, sum up, sum this up, tl dr,
            tldr, in a nutshell, key points, main points, key takeaways, main takeaways, key ideas, main ideas,
            main idea of, distill, condense, the gist, boil down, boil this down, title for this, headline for this,
            title for the, headline for the following, recap this, shorten this, give me the highlights,
            write an abstract, in 0 sentences, in one sentence, in two sentences, in three sentences
        vi: nói gọn, ý chính là, tóm lại, rút gọn báo cáo, nói vắn tắt, viết tóm lược, viết tóm tắt, tóm tắt,
            tóm lược, tóm gọn, tóm ý, ý chính, các ý chính, nội dung chính, điểm chính, những điểm chính,
            luận điểm chính, thông tin chính, đặt tiêu đề, tiêu đề cho, viết tiêu đề, tạo tiêu đề, rút gọn đoạn,
            rút gọn văn bản, rút gọn bài, cô đọng, trong 0 câu, tổng kết lại, tổng hợp lại, nói ngắn gọn thì, đại ý
        de: in einem satz, kurz gesagt, kurzfassung, protokoll, resümier*, fass das, fass die, fass den, zusammenfass*,
            zusammengefasst, kernpunkte*, kernaussage*, hauptpunkte*, hauptaussage*, wichtigsten punkte,
            überschrift für, fasse den, fasse die, fasse das, fasse diesen, fasse diese, fasse dieses, fasse mir,
            fasse folgend*, fassen sie, in zwei sätzen, in drei sätzen, in 0 sätzen, auf den punkt, quintessenz,
            in stichpunkten, in stichworten, das wichtigste, worum geht es, worum geht s, komprimier*, eindampf*
        fr: en une phrase, l essentiel, compte rendu, note de synthèse, version courte, résum*, synthétis*, synthèse de,
            points clés, points principaux, idées principales, en bref, titre pour, en deux phrases, en trois phrases,
            en 0 phrases, en quelques lignes, en 0 lignes, condense*, l idée principale, à retenir,
            ce qu il faut retenir, de quoi parle, de quoi s agit, en gros
        es: en una línea, en una frase, titular, informe ejecutivo, resume con, resumen ejecutivo, sintetiz*, síntesis,
            puntos clave, puntos principales, ideas principales, idea principal, en pocas palabras, título para,
            resumen, resumir, resuma, resúmeme, resume el, resume la, resume los, resume este, resume esta,
            en dos frases, en tres frases, en 0 frases, en pocas líneas, en 0 líneas, condensa, lo esencial,
            lo más importante, de qué va, de qué trata, al grano, resumid*
        it: in una frase, titolo breve, verbale, al sodo, nota per il, riassu*, sintetizz*, sintesi, punti chiave,
            punti principali, idee principali, in breve, titolo per, in due frasi, in tre frasi, in 0 frasi,
            in poche righe, in 0 righe, condensa, l essenziale, di cosa parla, di cosa tratta, il succo, sunto
        zh: 一句话说, 重点是, 太长不看, 写摘要, 整理成, 简短点, 总结, 總結, 概括, 摘要, 概述, 归纳, 歸納, 要点, 要點,
            主旨, 大意, 中心思想, 主要内容, 主要內容, 提炼, 提煉, 缩写, 拟一个标题, 拟标题, 写一个标题, 写标题,
            生成标题, 取标题, 起标题, 一句话概, 精简
        ja: 一行で, 要するに, 見出し, 議事録, 要点, 概要を, 要約, まとめて, 要旨, 概要, 見出しを, タイトルを
        ko: 한 줄로, 간추려, 결론이 뭐, 개요로, 짧게 말하면, 추려, 요약, 핵심 내용, 핵심내용, 핵심만, 핵심 포인트,
            요점, 간추, 줄거리, 한줄로, 0문장으로, 세 문장으로, 제목을 생성, 제목을 만들, 제목을 지어, 제목을 작성,
            제목을 붙, 주요 내용, 주요내용, 줄여
        pt: resum*, sintetiz*, pontos principais, ideias principais, ideia principal, em poucas palavras, em resumo,
            pontos chave, condens*, enxugue, em uma frase, numa frase, em duas frases, em três frases, em 0 frases,
            em poucas linhas, em 0 linhas, o essencial, do que se trata, de que trata, do que fala, em tópicos,
            pontos mais importantes, versão curta
        id: ringkas*, rangkum*, simpulkan isi, intisari, poin utama, poin penting, pokok pikiran, inti dari,
            intinya apa, singkatnya, diringkas, dirangkum, dalam satu kalimat, dalam dua kalimat, dalam tiga kalimat,
            dalam 0 kalimat, garis besar, secara singkat, poin poin, ikhtisar, persingkat, isi pokok, inti teks,
            inti cerita
        """,
    Task.EXTRACTION: """
        en: pull out the, pull the, list the dates, are named here, are mentioned, phone number, get me the total,
            build a timeline, fill the form, structured data, as structured data, one per line, into this schema,
            make a table of, csv, extract*, named entit*, named entity, key concepts, pull out, list all the names,
            find all the names, find all mentions, keywords from, return a json, output a json, in json format,
            json array, json string, as json, in csv format, copy the sentence, quote the sentence, highlight the,
            count how many times
        vi: lọc ra, lấy giùm, lấy tên, lập bảng, dòng thời gian, ra json, điền biểu mẫu, trích mọi, lấy số,
            trích xuất, trích rút, rút trích, trích ra, trích lọc, thực thể, từ khóa, từ khoá, tìm tất cả các,
            tìm ra tất cả, lấy ra, chỉ ra các tên, liệt kê tất cả các tên, liệt kê các tên, liệt kê tên,
            định dạng json, dạng json, xác định các tên
        de: extrahier*, nur die, schreib mir die, liste der, tabelle mit, zeitleiste, als csv, in json, ins schema,
            welche kommen vor, entitäten, entnehmen sie dem text, finde alle, finden sie alle, json format, im json,
            schlüsselwörter, such heraus, suche heraus, zieh heraus, filter heraus, liste auf, liste mir, gib mir alle,
            nenne mir alle, welche namen, welche orte, welche beträge, auslesen, herausschreib*, heraussuch*,
            herausfilter*, als tabelle, als json
        fr: sors les, juste le, chronologie, tableau, en json, extrais, sont citées, remplis, extrai*, extraction,
            extray*, entités nommées, format json, chaîne json, mots clés, relève, relevez, relever, repère les,
            repérez, récupère*, donne la liste, tous les noms, toutes les dates, tous les montants,
            sous forme de tableau, quels noms, quelles dates, sous forme de liste, isole les
        es: sácame, dime solo, saca solo, línea de tiempo, en json, rellena, tabla con, aparecen, extrae, extraer,
            extraiga, extraigan, extraído, extraídos, extracción, entidades, formato json, palabras clave, recopila,
            todos los nombres, todas las fechas, todos los importes, qué nombres, qué fechas, en una tabla,
            en forma de tabla, recoge los, recoge las, apunta los, señala los
        it: tira fuori, solo la, cronologia, in json, compila, tabella, estrai, estrarre, estraete, estragga,
            estrazione, entità, formato json, parole chiave, ricava, elencami, trova tutti, trova tutte, tutti i nomi,
            tutte le date, tutti gli importi, quali nomi, quali date, in una tabella, in tabella, raccogli i,
            raccogli le, segna i
        zh: 摘出来, 取出, 列个表, 拆成, 时间线, 填表, 输出json, 挑出, 提取, 抽取, 抽出, 摘出, 摘录, 摘錄, 找出文中,
            找出所有, 实体, 實體, 关键词, 關鍵詞, 关键字, 列出文中, 从文中找, 从文本中, 從文本中, 从文章中找,
            从下面的文本, 从以下文本, 从段落中, json格式, json 格式
        ja: 抜いて, 拾って, 表に, 時系列, jsonに, 抜き出, 抽出, 抜き書き, 取り出して, 固有表現, 固有名詞, キーワード,
            json形式, json 形式
        ko: 뽑아줘, 표로, 시간표로, json으로, 추출하, 번호만, 추출, 뽑아, 찾아내, 개체명, 개체를, 키워드, 발췌,
            json 형식, json 형태, json 으로, 골라내
        pt: extra*, formato json, em json, palavras chave, entidades, liste os nomes, identifique os nomes, preencha,
            tira os, tira as, tire os, tire as, pega todos, pegue os, pegue as, puxa os, puxa as, separa os, separe os,
            separe as, liste todos, liste todas, lista todos, todos os nomes, todas as datas, todos os valores,
            quais nomes, quais datas, numa tabela, em tabela, em forma de tabela, retire os, retire as, devolve em json
        id: ekstrak*, format json, kata kunci, entitas, ambil semua, daftar nama, sebutkan nama, ambilkan, cari semua,
            temukan semua, catat semua, tuliskan semua, sebutkan semua, tulis semua, daftarkan, keluarkan semua,
            dalam tabel, buat tabel, jadikan tabel, bentuk tabel, jadi json, ke json, semua nama, semua tanggal,
            semua angka
        """,
    Task.REWRITE: """
        en: fix the typos, sound friendlier, shorter please, in the past tense, recast, tighten, proofread,
            change the tone, merge these, capitalise, capitalize, legally neutral, less desperate, rewrit*, rewrote,
            paraphras*, rephras*, reword*, proofread*, fix the grammar, correct the grammar, grammar mistakes,
            grammatical errors, spelling mistakes, spelling errors, more formal, more polite, more professional,
            more concise, sound better, more natural, improve the writing, improve this, improve the following,
            polish this, polish the, polish my, edit the following, edit this, into passive, into active,
            passive voice, another way to say, say this differently, in your own words, in other words,
            simplify the following text, simplify this, sound more, sound less, make it sound, make this sound,
            make this more, friendlier, correct the following
        vi: sửa chính tả, lịch sự hơn, viết ngắn lại, đổi giọng, chỉnh đoạn, biên tập, viết lại, nói lại cho,
            diễn đạt lại, diễn giải lại, diễn đạt khác, cách diễn đạt khác, cách nói khác, cách viết khác,
            nói cách khác, sửa lỗi chính tả, lỗi chính tả, lỗi ngữ pháp, sửa ngữ pháp, chỉnh sửa, hiệu đính,
            trau chuốt, trang trọng hơn, chuyên nghiệp hơn, tự nhiên hơn, đặt lại câu, sửa câu, sửa đoạn, câu bị động,
            văn phong, nghĩa tương đương, mạch lạc hơn, dễ hiểu hơn, ngắn gọn hơn
        de: umschreib*, rechtschreibung, netter, kürzer, formuliere, formulier*, schreib die, in einfache sprache,
            setz den, schreiben sie um, formuliere um, umformulier*, anders formulier*, paraphras*, korrigier*,
            korrekturles*, rechtschreib*, grammatikfehler, grammatikalische*, höflicher, förmlicher, schreib neu,
            schreibe neu, schreib um, schreibe um, freundlicher, sachlicher, lockerer, verständlicher, verbessere den,
            verbessere die, verbessere das, verbesser den, überarbeit*, glätte, kürze den, kürze die, kürze das,
            lektorier*, ins passiv, im passiv, ins präteritum, in die vergangenheit, weniger förmlich
        fr: plus gentil, raccourcis, refais, passe tout au, réécris, neutralise, en français facile, mets les accents,
            réécri*, reformul*, paraphras*, corrig*, fautes d orthographe, fautes de, erreurs grammatic*,
            erreurs de grammaire, plus formel, plus poli, améliore*, remanie*, retravaille*, plus court, plus clair,
            plus naturel, plus professionnel, simplifie le, simplifie ce, simplifiez, à la voix passive, au passé,
            peaufin*, rends ce, rends le, rends plus, adoucis, vouvoie*, tutoie*
        es: dilo más, acorta, quítale, rehaz*, hazlo, ponle tildes, puntuación, en lectura fácil, reescrib*, parafras*,
            reformul*, corrig*, corrij*, errores gramaticales, errores de gramática, ortografía, más formal, mejora el,
            mejora este, mejora la, pule, suaviza, más claro, más natural, más profesional, más educado, más amable,
            más breve, simplifica el, simplifica este, vuelve a escribir, escribe de nuevo, escríbelo de nuevo,
            a voz pasiva, en voz pasiva, cambia el tono, al pasado
        it: più garbato, accorcia, togli, rifalla, riscrivi, volgi, in linguaggio semplice, riscriv*, parafras*,
            riformul*, corregg*, errori grammaticali, errori di grammatica, più formale, migliora il, migliora questo,
            migliora la, più chiaro, più naturale, più professionale, più cortese, più breve, più gentile,
            semplifica il, semplifica questo, rendi più, rendilo, rendila, rivedi il, ripulisci, ammorbidisci,
            al passivo, al passato, sistema la frase, sistema questo
        zh: 改错别字, 说得客气, 改成, 换个说法, 重写, 帮我润色, 去掉, 重新讲, 改写, 改寫, 润色, 潤色, 潤飾, 重寫,
            换一种说法, 換一種說法, 换句话说, 换一种方式, 换种方式, 校对, 校對, 语法错误, 語法錯誤, 病句, 错别字,
            錯別字, 修改下, 修改以下, 修改这, 修改句子, 复述, 複述, 重新表述, 更正式, 更礼貌, 同义句, 转述, 优化这段,
            优化下面, 优化以下, 改成更, 改得更
        ja: 誤字を直, 短くして, 柔らかく言, 書き換えて, 統一, 言い換え, やさしく書き, 書き直, 書き換え, 校正, 添削,
            推敲, リライト, 敬語に, 丁寧な表現に, 丁寧語に, 文法の誤り, 誤字
        ko: 맞춤법 좀, 줄여 써, 부드럽게, 고쳐줘, 풀어 써, 다시 써, 띄어쓰기, 다시 쓰, 다시 작성, 바꿔 써, 바꿔 쓰,
            바꿔써, 바꾸어 쓰, 고쳐, 교정, 첨삭, 맞춤법, 다듬어, 다른 말로, 다른 표현, 다르게 표현, 존댓말로, 반말로,
            문법 오류, 재작성, 바꿔줘, 바꿔 줘, 바꿔 주세요, 바꿔주세요, 문장으로 바꾸, 자연스럽게, 정중하게,
            패러프레이즈
        pt: reescrev*, reformul*, parafras*, corrij*, corrig*, erros gramaticais, erros de gramática, ortografia,
            mais formal, mais educado, revise o texto, melhore o texto, melhore este, melhore essa, melhore esse,
            melhora esse, melhora esta, melhora o texto, arruma o texto, arruma essa, arrume a, arruma a, ajeita,
            ajeite, deixa mais, deixe mais, deixa menos, deixe menos, mais claro, mais natural, mais profissional,
            mais curto, mais gentil, mais simpático, mais informal, menos formal, simplifique o, simplifique este,
            simplifica esse, refaz, refaça, revisa esse, revisa este, revise este, revise esse, escreve de novo,
            escreva de novo, escreva de outra forma, na voz passiva, para a voz passiva, muda o tom, mude o tom,
            encurte, suavize, suaviza
        id: tulis ulang, tulis kembali, parafras*, perbaiki kalimat, perbaiki tata bahasa, perbaiki ejaan, lebih sopan,
            lebih formal, ubah kalimat, tata bahasa, ejaan, sederhanakan kalimat, sederhanakan teks, ubah jadi,
            ubah menjadi, lebih santai, lebih halus, lebih ringkas, lebih jelas, lebih enak, lebih profesional,
            lebih ramah, rapikan, rapiin, koreksi, susun ulang, haluskan, perhalus, pendekkan, ganti gaya,
            kalimat pasif, kalimat aktif, ubah nada, tata ulang
        """,
    Task.CLASSIFICATION: """
        en: spam or not, is this a question or, which urgency, tag the, tag each, sort each, label every, assign the,
            entails, contradicts or neutral, pick the category, sarcastic, grade the, hateful, classif*, categori*,
            sentiment, positive or negative, negative or positive, positive negative or neutral, spam, which category,
            what category, following categories, label the, which topic, what topic, toxic or, is the tone,
            same meaning, choose the category, what genre, which genre
        vi: khen hay chê, rác hay không, xếp từng, gắn nhãn, gắn một nhãn, mức độ khẩn, mỉa mai, thuộc loại,
            phân loại, phân lớp, cảm xúc, tích cực hay tiêu cực, tích cực tiêu cực, tích cực hoặc tiêu cực,
            tiêu cực hay tích cực, sắc thái, thuộc loại nào, thuộc chủ đề, thuộc danh mục, thuộc lĩnh vực,
            thuộc thể loại, thuộc nhóm nào, chủ đề nào, thể loại nào, danh mục nào, gán nhãn, nhãn nào, thư rác,
            tin rác, hài lòng hay, cùng nghĩa, cùng ý nghĩa
        de: teile ein, dringlichkeit, ironisch oder, positiv oder, spam, in welches ressort, werbung oder,
            absicht bestimmen, klassifizier*, kategorisier*, einordn*, stimmung, sentiment, positiv oder negativ,
            welche kategorie, welcher kategorie, kategorien zu, ordne jede*, ordne diese, ordne den, zuordnen,
            dringend oder, wie dringend, beschwerde oder, lob oder, lob oder tadel, phishing oder, betrug oder,
            sarkastisch oder, welches thema, vergib ein label, etikettier*, sachlich oder, zu welcher gruppe
        fr: range chaque, arnaque ou, ironie ou, priorité basse, rubrique, implication, haineux, classifi*, classer,
            classez, catégoris*, sentiment, positif ou négatif, positive ou négative, quelle catégorie, trie ces,
            trie les, étiquette chaque, quel sentiment, quel thème, urgent ou, urgente ou, spam ou, plainte ou question,
            à quelle catégorie, dans quelle catégorie, attribue une, attribue un, indésirable ou, sarcastique ou,
            à quel service
        es: estafa o no, ironía o, bueno o malo, urgencia, reparte los, implica, califica, odio, clasific*, categoriz*,
            sentimiento, positivo o negativo, positiva o negativa, qué categoría, siguientes categorías,
            ordena por categoría, a qué departamento, qué sentimiento, qué tema, urgente o, spam o, queja o consulta,
            asigna una, asigna un, agrupa los, agrupa las, de qué categoría, en qué categoría, sarcástico o,
            ponle etiqueta, a qué grupo
        it: truffa o no, ironico o, positivo o, urgenza, smista, rubrica, valuta, classific*, categorizz*, sentimento,
            sentiment, positivo o negativo, positiva o negativa, quale categoria, seguenti categorie, etichetta ogni,
            assegna una, assegna un, raggruppa, che sentimento, urgente o, spam o, reclamo o domanda, quale reparto,
            a quale reparto, in che categoria, in quale categoria, sarcastico o, a che gruppo
        zh: 好评还是, 是不是垃圾, 打标签, 归到哪, 紧急程度, 反讽, 判断蕴含, 意图分类, 分类, 分類, 归类, 歸類, 情感,
            情绪, 情緒, 正面还是负面, 积极还是消极, 正面或负面, 积极或消极, 正面還是負面, 好评还是差评, 属于哪,
            屬於哪, 属于以下, 属于下列, 哪一类, 哪一類, 哪类, 哪个类别, 什么类别, 标签, 標籤, 褒贬, 垃圾邮件,
            垃圾短信, 意思相同, 意思是否相同, 同一个意思, 打标
        ja: 迷惑メール, 振り分け, 緊急度, 皮肉, どのカテゴリ, 含意, 分類, 感情, ポジティブかネガティブ,
            ポジティブ ネガティブ, 肯定的か否定的, カテゴリーに, カテゴリに, ラベル, スパム, 同じ意味
        ko: 스팸이야, 중에 뭐, 나눠줘, 급한 정도, 비꼬는, 판정, 분류, 감정, 감성, 긍정 부정, 긍정인지, 긍정적인지,
            긍정 또는, 긍정 혹은, 긍정이나, 긍정 중립, 부정인지, 카테고리, 어느 범주, 어떤 범주, 라벨, 레이블, 스팸,
            혐오, 같은 의미, 의미가 같은, 어떤 주제
        pt: classifi*, categoriz*, sentimento, positivo ou negativo, positiva ou negativa, qual categoria, rotul*, spam,
            etiquete, etiqueta cada, qual sentimento, qual o sentimento, qual o tema, urgente ou, spam ou, golpe ou,
            elogio ou, reclamação ou elogio, atribua, agrupe, agrupa, separa por, separe por, em qual categoria,
            em que categoria, qual setor, qual departamento, se encaixa em, sarcástico ou, irônico ou,
            positivo negativo ou, é spam
        id: klasifikasi*, kategorikan, kelompokkan, sentimen, positif atau negatif, positif apa negatif,
            termasuk kategori, spam, golongkan, pilah, beri label, kasih label, kategori apa, masuk kategori, spam atau,
            mendesak atau, urgent atau, penipuan atau, keluhan atau pujian, pujian atau, kelompok mana, sarkas atau,
            positif negatif atau, netral atau, termasuk jenis
        """,
    Task.CODING: """
        en: unit tests for, write unit tests, bash script, add type hints, dockerfile, design the schema, lru cache,
            write a function, write a program, write a script, write a query, write code, write a code, write a regex,
            write a class, a function to, write a method, implement a function, implement a class,
            implement an algorithm, write an algorithm, debug*, refactor*
        vi: viết hàm, viết một hàm, viết chương trình, viết một chương trình, viết mã, viết code, viết đoạn code,
            viết đoạn mã, viết script, viết truy vấn, viết câu lệnh, gỡ lỗi, cài đặt hàm, triển khai hàm
        de: funktion schreib*, schreib eine funktion, schreibe eine funktion, schreibe ein programm,
            schreib ein programm, schreib ein skript, schreibe ein skript, sql abfrage, unit test*, refaktorier*,
            debugge, implementiere eine, implementiere einen, programmiere
        fr: une fonction qui, une fonction pour, une fonction python, écris une fonction, écris un script,
            écris un programme, écrivez une fonction, requête sql, test unitaire, tests unitaires, refactoris*,
            implémente une, implémente un, corrige ce code
        es: una función que, una función para, una función en, escribe una función, escribe un script,
            escribe un programa, consulta sql, prueba unitaria, pruebas unitarias, refactoriz*, implementa una,
            implementa un, corrige el código, corrige este código
        it: una funzione che, una funzione per, scrivi una funzione, scrivi uno script, scrivi un programma, query sql,
            test unitari, rifattorizza, implementa una, implementa un, correggi il codice, codice che
        zh: 编写函数, 编写一个函数, 写一个函数, 寫一個函數, 写函数, 写一个程序, 编写程序, 编写一个程序, 写个程序,
            调试, 写脚本, 编写脚本, 写一个脚本, 写一条sql, 写sql, 实现一个
        ja: 関数を書, 関数を作, 関数を実装, 実装, デバッグ
        ko: 프로그램을 작성, 프로그램을 짜, 프로그램을 만들, 함수를 작성, 함수를 구현, 함수를 만들, 함수를 짜,
            함수 작성, 디버그, 디버깅
        pt: escreva uma função, uma função em, uma função que, escreva um programa, escreva um script, depure,
            escreve uma função, crie uma função, cria uma função, faz uma função, faça uma função, faz um script,
            faça um script, crie um script, cria um script, consulta sql, query sql, teste unitário, testes unitários,
            refator*, implemente uma, implemente um, corrija o código, corrige o código, código que
        id: tulis fungsi, buat fungsi, buat program, tulis program, buatkan skrip, tulis kode, perbaiki kode,
            bikin fungsi, buatkan fungsi, bikin script, buat script, buat skrip, buat query, query sql, unit test,
            refaktor*, implementasikan, bikin program, buat kode, bikin kode, buatkan kode, kode python, kode javascript
        """,
    Task.MATH: """
        en: prove that, show that, solve, solve for, solve the equation, solve the inequality, calculate the,
            compute the, what is 0, evaluate the expression, simplify the expression, find the value of,
            solve the following equation
        vi: giải toán, tìm x, tính 0, tính giá trị, tính tổng, chứng minh rằng, rút gọn biểu thức, ^ tính, hãy tính,
            giải phương trình, giải bất phương trình, giải hệ, tính diện tích, tính thể tích, tính chu vi,
            tính xác suất, tính đạo hàm, tính tích phân, tính quãng đường, tính vận tốc
        de: beweise*, zeige dass, zeig dass, berechn*, löse die, löse das, lösen sie, rechne aus, rechne, ausrechnen,
            wie viel ist 0, wieviel ist 0, was ergibt, was ist 0, beweis dass, leite ab, löse nach, bestimme die,
            bestimme den, bestimme alle, bestimmen sie, prozent von 0
        fr: démontr*, montrez que, montrer que, calculez, calculer, résous, résolvez, résoudre, combien font,
            combien fait 0, détermine la, détermine le, détermine les, trouve x, trouvez x, dérivez, quel pourcentage
        es: demuestra*, demostrar, prueba que, calcula, calcular, calcule, resuelve, resuelva, cuánto es 0,
            cuánto son 0, cuánto da, halla, hallar, determina el, determina la, determina los, encuentra x,
            encuentra el valor, qué porcentaje
        it: dimostra*, calcol*, risolvi, risolvere, quanto fa, quanto fanno, determina il, determina la, determina i,
            trova x, trova il valore, che percentuale, prova che, mostra che
        zh: 计算, 計算, 求解, 求值, 證明, 证明, 等于多少, 等於多少, 求出, 解方程, 求证, 求證
        ja: 計算, 求めよ, 求めなさい, 求めて, 証明せよ, 証明して, 解きなさい, 解け
        ko: 계산, 구하시오, 구하세요, 구하라, 구하여라, 구해, 풀어라, 푸시오, 풀어 보세요
        pt: calcule, calcular, resolva a equação, resolva, demonstre que, prove que, quanto é 0, quanto são 0,
            quanto dá 0, quanto fica, ache o valor, ache x, encontre o valor, encontre x, fatore, determine o,
            determine a, determine os, mostre que, demonstre, qual a porcentagem, quantos por cento, calcula,
            resolve a equação, resolve a conta, faz a conta, faça a conta, multiplique, divida 0
        id: hitung*, buktikan, tentukan nilai, selesaikan persamaan, cari nilai, berapa hasil, hasil dari 0, tentukan x,
            tentukan semua, tentukan luas, tentukan himpunan, selesaikan, faktorkan, tunjukkan bahwa, berapa persen,
            cari x, carilah nilai, berapa 0
        """,
    Task.CREATIVE: """
        en: caption for, name for a, a joke, birthday wish, speech for, sonnet, dialogue between, bedtime story,
            a rhyme, toast for, write a story, write a poem, write an essay, write a short story, short story, poem,
            haiku, limerick, song lyrics, blog post, act as, role play, roleplay, pretend, imagine, picture yourself,
            you are now a, you are now an, embrace the role, assume the role, play the role, take on the role,
            brainstorm*, come up with, slogan, tagline, once upon a time, screenplay, love letter, cover letter,
            wedding speech, continue the story, compose a, compose an, draft a, draft an, creative, funny joke,
            tell me a joke, tell me a story, sentence using, sentence with, story about, poem about, write an email,
            write a letter, write a blog, write a speech, names for, name ideas, ideas for a
        vi: đặt tên, chuyện cười, chúc, câu khẩu hiệu, làm bài thơ, đoạn mở đầu, bài thơ, làm thơ,
            thơ lục bát, thơ, sáng tác, truyện ngắn, kể chuyện, kể một câu chuyện, một câu chuyện, viết truyện,
            viết bài văn, viết bài luận, bài luận, bài văn, viết thư, viết email, viết một email, viết một bức thư,
            bức thư, kịch bản, lời bài hát, đóng vai, nhập vai, tưởng tượng, giả sử bạn là, khẩu hiệu, slogan,
            bài quảng cáo, viết quảng cáo, bài phát biểu, bài diễn văn, viết tiếp, đặt câu với, đặt một câu, viết câu,
            viết một câu, bài blog, viết blog, sáng tạo, ý tưởng cho, truyện cười, soạn thảo, soạn một, viết lời chúc,
            lời chúc, bây giờ bạn là, từ giờ bạn là, cái tên cho
        de: ein gedicht, sonett, dialog, rede für, witz, spruch, sprüche, romananfang, name für, gedicht*,
            kurzgeschichte*, eine geschichte, aufsatz, verfass*, entwirf, entwerf*, rolle, stell dir vor,
            stellen sie sich vor, versetz*, slogan*, schlagzeile*, fiktiv*, kreativ*, angenommen sie sind, tun sie so,
            blogbeitrag, blog beitrag, blogartikel, erfinde, dichte, reime, liebesbrief, märchen, fabel, werbetext,
            werbespruch, glückwunsch*, geburtstagsgruß, geburtstagskarte, einladungstext, liedtext, namensvorschläge,
            namensideen, namen für, trinkspruch, tagebucheintrag, drehbuch, motto für, abschiedsrede
        fr: sonnet, dialogue, blague, un nom de, discours, poème, polar, poème*, une histoire, nouvelle courte, rédig*,
            composez, le rôle d*, le rôle de, faites vous passer, faites comme si, slogan*, créati*, fictive, fictif,
            courriel, imaginez, imagine que, raconte*, invente, inventez, un conte, une fable, une chanson, paroles de,
            un toast, lettre d amour, une accroche, légende pour, un scénario, un monologue, vœux pour,
            joyeux anniversaire, carte d anniversaire, idées de noms, noms pour, une comptine, haïku, en vers, en rimes,
            une devise
        es: soneto, diálogo, lemas, un chiste, nombre para, discurso, novela, poema*, una historia, un cuento, redact*,
            el papel de, actúa como, actúe como, haz de, finge, hazte pasar, eslogan, chiste, ficción, ficticio,
            correo electrónico, imagina, imagine que, imagínate, creativo, creativa, cuéntame, inventa, una fábula,
            una canción, letra de, un brindis, carta de amor, un guion, un monólogo, una felicitación, feliz cumpleaños,
            ideas de nombres, nombres para, una copla, una nana, pie de foto, microrrelato, en verso, que rime,
            un eslogan, un lema
        it: sonetto, dialogo, motti, barzelletta, nome per, incipit, discorso, poesia, una storia, un racconto, redig*,
            immagin*, il ruolo di, agisci come, fingi, fingere, slogan, comportati, e mail, immagina, immaginate,
            creativo, creativa, interpreta il ruolo, raccontami, inventa, una favola, una filastrocca, una canzone,
            testo di una canzone, un brindisi, lettera d amore, una sceneggiatura, un monologo, auguri per,
            buon compleanno, idee per il nome, nomi per, in rima, didascalia, c era una volta, fiaba, un motto
        zh: 起个名, 来个笑话, 祝福, 广告语, 对话, 填一首词, 小说开头, 起名, 写一篇, 寫一篇, 写一首, 寫一首, 写首,
            写个故事, 写一个故事, 寫一個故事, 写一封, 寫一封, 写一段, 寫一段, 写封, 写篇, 编一个, 编个, 编写一个故事,
            讲个故事, 讲一个故事, 故事, 作文, 小说, 小說, 散文, 诗歌, 首诗, 首詩, 创作, 創作, 扮演, 假如你是,
            如果你是, 假设你是, 假装, 假裝, 想象, 想像你, 廣告, 文案, 口号, 口號, 标语, 歌词, 歌詞, 剧本, 劇本, 续写,
            續寫, 演讲稿, 演講稿, 造句, 笑话, 笑話, 对联, 情书, 你现在是, 起个名字, 取个名字, 取名, 撰写, 撰寫,
            头脑风暴, 博客, 用以下词, 造一个句子, 造一句
        ja: 名前考えて, ダジャレ, メッセージ, 冒頭, 対話, なりきって, スローガン, 物語, 詩を, 詩を書, 小説, 作文,
            エッセイ, 俳句, 短歌, 川柳, 歌詞, 役を演じ, 役割を演じ, になりきって, のふりをし, 想像して,
            キャッチコピー, ブログ, メールを, 手紙, 創作, ストーリー, アイデアを, ジョーク, 文を作, スピーチ, 脚本を
        ko: 이름 지어, 농담, 축하, 대화, 첫 문단, 슬로건, 시조, 소설, 시를 써, 시를 지어, 시를 작성, 시 한 편,
            이야기를 써, 이야기를 지어, 이야기를 만들, 이야기를 작성, 이야기 하나, 동화, 수필, 에세이, 편지, 이메일,
            광고 문구, 가사를, 대본, 역할극, 역할을, 상상해, 상상하, 창작, 지어줘, 지어 줘, 블로그, 이어서 써,
            이어 써, 글을 써, 글을 작성, 연설문, 인 척, 문장을 만들, 문장 만들, 짧은 글, 창의, 아이디어를, 가정해,
            너는 이제, 당신은 이제, 지금부터 너는, 지금부터 당신은, 이름을 지어
        pt: um poema, uma história, um conto, redija, atue como, finja, slogan*, piada, imagine, invente, crônica,
            escreva uma carta, escreva um email, poema, poesia, uma fábula, uma música, letra de música, uma canção,
            um brinde, carta de amor, um roteiro, um monólogo, mensagem de aniversário, feliz aniversário,
            parabéns para, nomes para, nome para, nomes de, sugestões de nome, ideias de nome, que rime, haicai,
            legenda para, legenda pra, era uma vez, historinha, um discurso, uma fala, uma carta de, crie uma história,
            conte uma história, conta uma história, me conta uma, faz um poema, inventa, crie um slogan, bordão
        id: puisi, pantun, cerpen, cerita pendek, karang*, dongeng, berperan*, bayangkan, slogan, lelucon,
            buatkan cerita, tulis surat, tulis email, naskah, sajak, syair, lirik, lirik lagu, ucapan selamat,
            ucapan ulang tahun, surat cinta, ide nama, nama untuk, nama buat, kasih nama, fabel, gombal*, pidato,
            teks undangan, pada suatu hari, cerita tentang, cerita lucu, jadi bajak, pura pura, karangan, rayuan
        """,
    Task.QA: """
        en: answer the question, answer the following question, answer this question, according to the passage,
            according to the text, based on the passage, based on the text, based on the context, multiple choice,
            choose the correct answer, select the correct answer, what is the capital, which of the following
        vi: trả lời câu hỏi, trả lời các câu hỏi, theo đoạn văn, dựa vào đoạn văn, dựa trên đoạn văn, dựa vào văn bản,
            dựa trên ngữ cảnh, chọn đáp án, đáp án đúng, đáp án nào, câu nào đúng, phát biểu nào, khẳng định nào,
            câu trả lời đúng
        de: beantwort*, laut dem text, laut text, laut dem artikel, beantworte
        fr: répond*, selon le texte, d après le texte, selon l article, d après l article
        es: según el texto, responda, responde, responder, contesta, conteste, contestar, según el artículo
        it: rispond*, secondo il testo, secondo l articolo, in base al testo
        zh: 回答问题, 回答下列, 回答以下, 回答下面, 根据文章, 根据上下文, 根据短文, 根据段落, 根据材料, 根据以上,
            以下哪, 下列哪, 下面哪, 单选题, 選擇題, 选择题, 正确答案, 正确的是, 错误的是
        ja: 質問に答え, 問いに答え, 本文によると, 文章によると, 次のうち, 以下のうち, 正しいもの
        ko: 질문에 답, 질문에 대답, 물음에 답, 다음 중, 지문을 읽고, 본문에 따르면, 문맥을, 옳은 것, 옳지 않은
        pt: responda, de acordo com o texto, segundo o texto, de acordo com o artigo, segundo o artigo,
            com base no texto
        id: jawab pertanyaan, jawablah, menurut teks, berdasarkan teks, berdasarkan artikel, sesuai teks
        """,
}

# A subject is what the prompt deals with, and so the kind of work it is unless a command says otherwise.
SUBJECTS: Final[Mapping[Task, str]] = {
    Task.CLASSIFICATION: """
        en: mean the same, question or complaint, what language is, categories, category, feel about,
            satisfied or dissatisfied, hate speech, offensive or, one of the categories
        vi: có cùng nghĩa, chọn ý định, thuộc, ý định, thể loại, danh mục, thù ghét, xúc phạm, độc hại, lĩnh vực gì,
            lĩnh vực nào, chủ đề gì, thể loại gì, chọn một trong
        de: dasselbe, welche sprache, kategorie*
        fr: étiquette, plainte ou, catégorie*
        es: etiqueta, queja o, categoría*
        it: etichetta, reclamo o, categoria, categorie
        zh: 意思一样, 投诉还是, 打分, 类别, 類別, 意图, 仇恨言论, 侮辱, 恶意
        ja: 苦情, 採点, 同じ意味, カテゴリ, ヘイト, 誹謗中傷
        ko: 같은 뜻, 불만이, 매기, 범주, 의도, 악성, 욕설, 중 하나로, 중에서 고르, 중에서 선택
        pt: rótulo, reclamação ou, dê nota, categoria, categorias
        id: label, keluhan atau, tingkat darurat, kategori
        """,
    Task.CODING: """
        en: linux command, terminal command, make this function, shell, powershell, dockerfile, async, const, npm,
            rust, postgres, sql, js, lock free, heap, kubectl, cron, function that, function to, python, javascript,
            typescript, java, c ++, golang, css, regex, regular expression, source code, code snippet, codebase,
            stack trace, traceback, unit test, unit tests, pull request, compile error, time complexity, linked list,
            binary tree, this code, the code, following code, my code, pandas, numpy, django, react, docker,
            kubernetes, api endpoint, dataframe, bash, shell script, syntax error, stored procedure, git, html,
            c program, pseudocode, pseudo code, useeffect
        vi: lệnh git, lệnh linux, bash, xử lý lỗi, script, câu lệnh sql, câu truy vấn, lập trình, đoạn mã, mã nguồn,
            đoạn code, thuật toán, chuỗi ký tự, danh sách liên kết, cây nhị phân, biểu thức chính quy,
            biểu thức chính qui, mã lệnh, ngôn ngữ lập trình, hàm nhận vào, hàm trả về, lỗi biên dịch
        de: linux, befehl, powershell, skript, eine funktion, python programm, c ++ programm, quellcode, programmier*,
            algorithmus, algorithmen, regulärer ausdruck, den code, dieser code, quelltext, fehlermeldung, stacktrace,
            kompilier*, datenbankabfrage, endlosschleife, schleife, klasse in, pseudocode, versteckte dateien,
            im terminal
        fr: linux, commande linux, gestion d erreurs, script, un programme, programmation, algorithme*, code source,
            ce code, le code, expression régulière, débog*, message d erreur, ne compile pas, boucle, classe en,
            base de données, requête
        es: linux, comando, script, manejo de errores, función python, un programa en, un programa que, programación,
            algoritmo*, código fuente, este código, el código, expresión regular, depur*, mensaje de error, no compila,
            bucle, clase en, base de datos, pseudocódigo, ficheros ocultos, archivos ocultos, en la terminal
        it: linux, comando, script, funzione python, un programma, programmazione, algoritm*, codice sorgente,
            questo codice, il codice, espressione regolare, messaggio di errore, non compila, ciclo for, base di dati
        zh: 命令, 正则, shell, linux, 脚本, 异常处理, vscode, 代码, 代碼, 编程, 編程, 算法, 演算法, 数组, 陣列,
            字符串, 字串, 链表, 鏈表, 二叉树, 调用, 报错, 腳本, 正则表达式, 编译, 實作, 程式, 函式, 爬虫, 前端, 后端,
            递归
        ja: コマンド, シェル, 正規表現, 例外処理, linux, コードを, コードの, このコード, ソースコード, プログラム,
            プログラミング, アルゴリズム, 配列, 文字列, バグ, スクリプト, コンパイル, クエリ, 二分木, 連結リスト
        ko: 명령어, 정규식, 쉘, 예외 처리, 스크립트, 코드, 코딩, 프로그래밍, 알고리즘, 배열, 문자열, 버그,
            정규 표현식, 정규표현식, 컴파일, 쿼리, 연결 리스트, 이진 트리, 파이썬, 자바스크립트, 자바로
        pt: linux, comando, script, programação, algoritm*, código fonte, este código, o código, função python,
            expressão regular, mensagem de erro, não compila, laço, banco de dados, classe em, bug no, bug na,
            planilha excel, pseudocódigo, arquivos ocultos, no terminal
        id: linux, perintah linux, perintah git, skrip, laravel, pemrograman, algoritma, kode sumber, kode ini,
            kode berikut, fungsi python, pesan error, error saat, basis data, coding, ngoding, file tersembunyi,
            di terminal
        """,
    Task.MATH: """
        en: median, converge, dozen, greatest common divisor, greatest common factor, least common multiple,
            real number, real numbers, positive integer, positive integers, integers, polynomial, polynomials,
            quadratic, derivative of, integral of, remainder when, divisible by, prime number, prime numbers,
            probability that, perimeter, circumference, hypotenuse, inequality, square root, decimal places,
            common fraction, lowest terms, simplest form, arithmetic sequence, geometric sequence, area of, volume of,
            multiple of, multiples of, prime factor, prime factors, least possible, greatest possible, equation
        vi: giá trị nhỏ nhất, giá trị lớn nhất, phương trình, đạo hàm, tích phân, nguyên hàm, tam giác, hình chữ nhật,
            hình tròn, hình vuông, hình thang, diện tích, chu vi, thể tích, xác suất, số nguyên tố, số nguyên,
            số tự nhiên, số thực, phân số, ước chung, bội chung, logarit, ma trận, hàm số, cấp số, chia hết, số dư,
            trung bình cộng, bài toán, toán học, đa thức, giá trị của biểu thức, giá trị biểu thức
        de: wahrscheinlichkeit für, gleichung*, ungleichung*, dreieck*, flächeninhalt, wahrscheinlichkeit, primzahl*,
            ganze zahl*, ganzen zahlen, ableitung, integral, wurzel, teilbar, polynom*, gleichungssystem, zinseszins,
            mehrwertsteuer, umfang, hypotenuse, primfaktor*, binom*, quadratisch*, kubikmeter, grenzwert, dutzend
        fr: équation*, inéquation*, triangle*, aire, probabilité*, nombre premier, nombres premiers, nombre entier,
            nombres entiers, dérivée, intégrale, racine carrée, divisible, polynôme*, le reste, périmètre,
            système d équations, intérêts composés, facteurs premiers, hypoténuse, vecteur*, logarithme, douzaine,
            douzaines
        es: ecuación, ecuaciones, inecuación, desigualdad, triángulo*, área, probabilidad, números primos,
            número primo, entero, enteros, derivada, integral, raíz cuadrada, divisible, polinomio*, el resto,
            perímetro, sistema de ecuaciones, interés compuesto, factores primos, fracción, fracciones, límite de,
            logaritmo, docena, docenas
        it: equazion*, disequazion*, triangolo, triangoli, probabilità, numeri primi, numero primo, numeri interi,
            derivata, integrale, radice quadrata, divisibile, polinomi*, il resto, perimetro, sistema di equazioni,
            interesse composto, fattori primi, frazione, frazioni, ipotenusa, vettor*, limite di, logaritmo, dozzina,
            dozzine
        zh: 不放回, 方程, 积分, 積分, 导数, 導數, 三角形, 长方形, 正方形, 圆的, 面积, 面積, 周长, 周長, 体积, 體積,
            概率, 機率, 质数, 質數, 素数, 正整数, 整数, 整數, 矩阵, 多项式, 半径, 直径, 公约数, 公倍数, 余数, 餘數,
            整除, 等差, 等比, 数列, 平均数, 数学题, 應用題, 应用题, 不等式, 函数f, 之和
        ja: 等号条件, 方程式, 積分, 微分, 三角形, 長方形, 正方形, 面積, 体積, 確率, 素数, 整数, 行列, 半径, 余り,
            数列, 不等式, 多項式
        ko: 방정식, 미분, 적분, 도함수, 삼각형, 사각형, 직사각형, 넓이, 둘레, 부피, 확률, 소수, 정수, 자연수, 행렬,
            다항식, 증명, 반지름, 공약수, 공배수, 나머지, 수열, 부등식, 제곱근, 수학
        pt: equação, equações, triângulo*, área de, probabilidade, número primo, números primos, derivada, integral,
            raiz quadrada, divisível, polinômio*, perímetro, sistema de equações, juros compostos, juros de,
            fatores primos, fração, frações, vetor*, logaritmo, divisor comum, múltiplo comum, desconto de 0, dúzia,
            dúzias
        id: persamaan, segitiga, luas, peluang, bilangan prima, bilangan, turunan, integral, akar kuadrat,
            habis dibagi, polinomial, keliling, sistem persamaan, bunga majemuk, faktor prima, pecahan, matriks,
            vektor, logaritma, diskon 0, sudut, jari jari, fpb, kpk, lusin
        """,
    Task.REASONING: """
        en: which comes next, what happened, think it through, should i, weigh, who is younger, who is older,
            single question, odd one out, does it follow, what can be concluded, which day will, flaw in,
            who is the shortest, who is the tallest, competing explanations, weigh the, knights, prisoners,
            logic puzzle, logical, logically, logical reasoning, deduce, deductively, infer, tells the truth,
            telling lies, is lying, always lies, who is lying, telling the truth, riddle, puzzle, premise, premises,
            plausible, implausible, must be true, from the left, from the right, to the left of, to the right of,
            next in the sequence, next in the series, next number in, does not belong, valid or invalid, ambiguous,
            is true false or, step by step, what could be the reasons, possible reasons, your reasoning,
            most likely cause, cause or effect, hypothesis, conclusion, first two statements, logic problem,
            brain teaser, can we conclude, can be inferred
        vi: cân nhắc, suy nghĩ từng bước, ai thấp nhất, kết luận gì, suy luận, suy ra, logic, lập luận, câu đố,
            đố bạn, đố vui, nói dối, nói thật, kết luận nào, tiền đề, mệnh đề, từng bước, hợp lý nhất, hợp lí nhất,
            quy luật, qui luật, số tiếp theo, tiếp theo trong dãy, bên trái, bên phải, xếp theo thứ tự,
            nguyên nhân là gì, nguyên nhân nào, kết quả là gì, giả thuyết, mâu thuẫn, hàm ý, đúng sai hoặc,
            đúng sai hay, đúng hay sai, dẫn đến điều gì
        de: abwäg*, schritt für schritt, was folgt, am jüngsten, am ältesten, wer ist am, logisch*, rätsel, prämisse*,
            schlussfolger*, begründung, gehört nicht, lügt, aussagen, sagt die wahrheit, wer lügt, folgt daraus,
            kann man daraus, muss stimmen, mögliche ursachen, wahrscheinlichste ursache, woran liegt, woran kann,
            pro und contra, vor und nachteile, lohnt sich, was spricht für, widerspruch, denkfehler, trugschluss,
            nächste zahl, welche zahl folgt, in welcher reihenfolge, wer von, wer kam, als letzter, als letzte,
            woran könnte
        fr: pesez, qu en conclure, le plus petit, le plus grand, logique*, énigme*, prémisse*, déduire, déduis*,
            étape par étape, affirmation*, raisonnement, dit la vérité, n appartient pas, qui ment, peut on conclure,
            peut on en, s ensuit il, causes possibles, cause probable, la plus probable, avantages et inconvénients,
            pour et contre, vaut il mieux, contradiction, sophisme, la faille, dans quel ordre, suite logique,
            nombre suivant, devinette, l intrus, pèse le pour
        es: pondere, qué se deduce, descarta, la menor, el mayor, lógic*, acertijo*, premisa*, paso a paso,
            afirmacion*, razonamiento, no pertenece, miente, dice la verdad, deduce, deducir, quién miente,
            se puede concluir, se sigue que, podemos concluir, causas posibles, posibles causas, causa más probable,
            pros y contras, ventajas y, qué conviene, me conviene, contradicción, falacia, en qué orden,
            siguiente número, qué número sigue, adivinanza, razona, el intruso, quién llegó, llegó último,
            llegó primero, a qué se debe, a qué puede deberse, qué será
        it: pesa, cosa si deduce, escludi, il più alto, il più basso, indovinello, enigma, premess*, dedurre,
            passo dopo passo, affermazion*, ragionamento, non appartiene, dice la verità, logica, logico,
            ragionamento logico, chi mente, si può concludere, possiamo concludere, ne segue che, cause possibili,
            possibili cause, causa più probabile, pro e contro, vantaggi e, conviene, contraddizione, in che ordine,
            numero successivo, prossimo numero, ragiona, l intruso
        zh: 权衡, 一步步想, 能得出什么, 下一个数, 推理, 逻辑, 邏輯, 推断, 推斷, 推论, 推導出, 推出, 谜语, 謎語, 谜题,
            说谎, 說謊, 撒谎, 说真话, 说的是真话, 前提, 假设一, 假設一, 结论, 結論, 一步一步, 逐步, 一步步, 因果,
            最可能的原因, 的原因是, 结果是什么, 原因是什么, 左边, 右边, 左邊, 右邊, 规律, 最合理, 更合理, 矛盾, 蕴含,
            侦探, 凶手, 脑筋急转弯, 真还是假, 常识, 谁最
        ja: 天秤にかけ, 順を追って, 何が言える, の次は, 推論, 論理, 推理, なぞなぞ, パズル, 嘘をつ, 嘘つき, 前提,
            仮説, 結論, 一歩ずつ, 段階的に, ステップバイステップ, の左, の右, 矛盾, 規則性, 次に来る, 最も適切な原因,
            仲間外れ
        ko: 따지고, 따져, 알 수 있지, 다음 수, 추론, 논리, 추리, 수수께끼, 퍼즐, 거짓말, 진실을, 전제, 가설, 결론,
            단계별로, 차근차근, 단계적으로, 원인으로, 원인은, 결과로, 결과는 무엇, 참인지, 참 거짓, 참과 거짓, 왼쪽,
            오른쪽, 규칙을 찾, 다음에 올, 논증, 모순, 함의, 범인, 상식
        pt: pese, o que se conclui, elimine, o mais lento, lógic*, enigma, charada, premissa*, passo a passo,
            raciocínio, dedu*, quem mente, quem está mentindo, dá para concluir, dá pra concluir, podemos concluir,
            pode se concluir, causas possíveis, possíveis causas, causa mais provável, prós e contras, vantagens e,
            vale a pena, compensa, contradição, falácia, em que ordem, em qual ordem, próximo número, qual número vem,
            qual é o próximo, adivinha, raciocine, o intruso, quem é o mais, quem é a mais, qual a causa, segue se que,
            qual das duas, qual dos dois, quem chegou, por último, o que pode ser, a que se deve
        id: timbang, selanjutnya, singkirkan, siapa term*, logika, teka teki, premis, langkah demi langkah, penalaran,
            simpulannya, siapa yang bohong, siapa yang berbohong, bisa disimpulkan, dapat disimpulkan,
            apa kesimpulannya, kemungkinan penyebab, penyebab paling, penyebabnya, untung rugi,
            kelebihan dan kekurangan, mending mana, lebih baik mana, mana yang lebih, kontradiksi, angka berikutnya,
            bilangan berikutnya, tebak tebakan, tidak termasuk kelompok, bernalar, urutan yang, paling tua,
            paling muda, paling akhir, paling awal, apa sebabnya, kira kira sebabnya, kira kira kenapa
        """,
    Task.QA: """
        en: who wrote, who painted, who invented, question
        vi: ai viết, ai phát minh, câu hỏi
        de: wer schrieb, wer hat, frage
        fr: qui a écrit, qui a, question suivante
        es: quién escribió, quién, pregunta
        it: chi ha scritto, chi ha, domanda
        zh: 谁写, 谁发明, 问题, 問題
        ja: 誰が書, 質問
        ko: 누가 쓴, 누가 썼, 질문
        pt: quem escreveu, quem
        id: siapa yang, siapa pengarang, siapa penulis
        """,
    Task.TRANSLATION: """
        en: in english, in german, in french, in spanish, in italian, in portuguese, in dutch, in russian, in polish,
            in turkish, in arabic, in hindi, in chinese, in japanese, in korean, in vietnamese, in welsh, in latin,
            in greek, into english, into german, into french, into spanish, into italian, into portuguese, into dutch,
            into chinese, into japanese, into korean, into vietnamese, to vietnamese, to english, to french,
            to german, to spanish, in mandarin, in swedish, in danish, in thai, in indonesian
        de: auf englisch, auf deutsch, auf französisch, auf spanisch, auf italienisch, auf türkisch, auf polnisch,
            auf russisch, auf arabisch, ins polnische, ins türkische, ins russische, ins chinesische, ins japanische,
            ins niederländische, ins portugiesische, aufs englische, aufs deutsche, auf portugiesisch, auf japanisch,
            auf chinesisch, auf niederländisch
        fr: en arabe, en chinois, en japonais, en portugais, en néerlandais, en russe, en polonais
        es: en francés, en italiano, en portugués, en chino, en japonés, al portugués, al italiano, al catalán,
            al chino, al ruso, al japonés, al polaco, al árabe, en polaco, en ruso, en árabe, en catalán
        it: in portoghese, in russo, in cinese, in giapponese, in arabo, in italiano
        pt: em inglês, em espanhol, em francês, em alemão, em italiano, em português, para o inglês, para o espanhol,
            para o francês, para o alemão, pro espanhol, pro inglês, ao espanhol, ao inglês, ao francês, ao alemão,
            ao italiano, em japonês, em chinês, em russo, em árabe, para o italiano, para o japonês, pro francês,
            pro alemão, pro italiano
        id: ke bahasa, ke inggris, bahasa inggris, bahasa jepang, bahasa korea, bahasa mandarin, ke mandarin,
            bahasa arab, bahasa prancis*, bahasa jerman*, bahasa spanyol*, bahasa italia*, bahasa rusia*,
            bahasa belanda*, bahasa polandia*, bahasa portugis*, padanan inggris*, inggrisnya
        vi: tiếng anh là, sang tiếng, ra tiếng việt
        zh: 英文版, 中文版, 日文版, 成英文, 成韩文, 成日文
        ja: 韓国語に, 英語に訳, 中国語に, スペイン語に, フランス語に
        ko: 중국어로, 일본어로, 스페인어로, 프랑스어로, 독일어로
        """,
    Task.EXTRACTION: """
        en: return a list of, read the log, list only, fill in the, unique
        de: nenne alle, fülle das, liste alle, aus dem satz, aus der mail, aus der nachricht, aus dem absatz, zieh die,
            zieh alle, such alle, suche alle, füll das
        fr: liste les, remplis le
        es: lista los, lista fallos, rellena el, citados, saca los, saca las, saca el, saca todos, saca todas,
            del correo, de la frase, del mensaje, rellena la
        it: elenca i, elenca solo, compila il, citati
        pt: liste só, liste as, liste os, preencha o, citadas, pega as, pega os, tira os, tira as, tire os, tire as,
            puxa os, puxa as, da frase, do e mail, da mensagem, lista só, lista apenas, preencha a
        id: daftar yang, isi formulir, yang disebut, ambil, keluarkan, sebutin, dari kalimat, dari pesan, catat semua,
            cari semua
        vi: liệt kê các, liệt kê tất cả, được nhắc, điền, chuẩn hóa, trích các
        zh: 列出来, 提到哪些, 提到的, 填表, 结构化
        ja: 出てくる, 埋め, 構造化, 出力して
        ko: 나온, 구조화, 나열하, 채우
        """,
    Task.REWRITE: """
        en: without the slang, simplify for, punctuation, into one flowing
        de: kommas, fassungen, in die, vereinfach*, weniger schroff, weniger förmlich, weniger steif, freundlicher,
            höflicher, lockerer, sachlicher, kürz auf, kürz das, kürze auf
        fr: ponctuation, ce ton, plus simple
        es: puntúa, más corto, menos borde, menos seco, menos formal, más amable, más formal, más educado, más cercano,
            acorta*, acórtalo, de tú a usted
        it: punteggiatura, fondi
        pt: pontue, encurta, passe para a, mais simples, deixe, menos seco, menos grosso, menos formal, mais gentil,
            mais educado, mais formal, encurte, encurtar
        id: pendekin, tanda baca, netralkan, lebih pendek, benerin, betulin, betulkan, ejaannya, ejaan, perhalus,
            haluskan, lebih sopan, lebih halus, lebih formal, bahasa sehari hari
        vi: viết hoa, gộp hai, sửa câu, chỉnh lại
        zh: 标点, 啰嗦, 合成一篇, 适合初学
        ja: 短く, 中立な, くどい
        ko: 중립적인, 쉽게 바꿔, 줄여
        """,
    Task.SUMMARIZATION: """
        en: recap, in 0 words, in 0 bullets
        de: überschrift, wörtern, kern der, kern des, stichpunkte, stichpunkten, in einem satz, in zwei sätzen,
            in drei sätzen, in drei worten, in fünf worten, in zehn worten, das wichtigste, auf den punkt
        fr: en quarante mots, à quarante mots, un titre
        es: cuarenta palabras, 0 palabras, lo importante de, lo importante del, lo esencial, lo principal, en breve,
            viñetas, en una frase, en dos frases, en tres frases, en pocas palabras, en tres palabras,
            en cinco palabras, en diez palabras
        it: quaranta parole, 0 parole
        pt: manchete, 0 palavras, o importante do, o importante da, o essencial, o principal, em tópicos, três tópicos,
            tópicos com, em uma frase, numa frase, em duas frases, em poucas palavras, em três palavras,
            em cinco palavras, em dez palavras
        id: jadi judul, padatkan, pendeknya, 0 kata, inti pesan, inti dari, intinya, tiga poin, jadikan poin,
            poin poin, tiga kata, lima kata, sepuluh kata, dalam satu kalimat, secara singkat, garis besar, singkatnya
        zh: 只总结, 0字
        ja: 手短に, 抄録, 0字
        ko: 정리해, 초록, 0자
        vi: 0 chữ, ý chính
        """,
    Task.CREATIVE: """
        en: pickup line, one liner, rhyme, product description, monologue
        de: ein satz mit, erzähl weiter, spiel einen, prosa, erzählung, kurzprosa, kosename, kosenamen, gereimte,
            gereimter, gereimtes, offenes ende, ansage für, spitzname, spitznamen
        fr: une phrase avec, joue un
        es: una frase con, sigue la historia, relato en, relato de, relato sobre, mote, apodo, rimada, rimado,
            final abierto, contestador
        it: una frase con, fai il pirata
        pt: uma frase com, continue a, conto em, conto sobre, em versos, apelido, rimada, rimado, final aberto,
            um pirata
        id: kalimat dengan kata, lanjutkan cerita, berima, undangan, panggilan sayang, julukan, akhir terbuka
        zh: 造个句
        ja: 短文, 続きを書
        ko: 글짓기, 되어
        """,
}

# A hint only fits a task; it decides where nothing stronger is said.
HINTS: Final[Mapping[Task, str]] = {
    Task.TRANSLATION: """
        en: what does that mean, what does this say, into english, into french, into german, into spanish,
            into vietnamese, into chinese, into japanese, into korean, into italian
        vi: bằng tiếng anh
        zh: 是啥意思, 什么意思, 成英文, 成中文, 成英语
        ja: どういう意味, 日本語に, 英語に
        ko: 무슨 뜻, 무슨 말이, 영어로, 한국어로, 베트남어로, 중국어로, 일본어로
        de: was bedeutet, was heisst
        fr: ça veut dire
        es: qué significa
        it: cosa significa
        pt: o que significa, o que quer dizer
        id: artinya apa, apa artinya
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
        de: identifizier*, json, aus dem text
        fr: json, du texte, compter, identifiez, identifier
        es: json, del texto, identifica, identificar, identifique
        it: json, dal testo, identifica, identificare, individua
        zh: 找出, 识别, 識別, 文中, 从下, 从以, 從以下, 人名, 地名, 全部列出, 机构名, 文本中, 提到的
        ja: 文中, 本文から, 文章から, 人名, 見つけて
        ko: 본문에서, 지문에서, 문장에서, 글에서, 텍스트에서, 찾아, 인명, 지명, 나열, 언급된
        pt: do texto, identifique, identifica, json
        id: dari teks, dalam teks, sebutkan, json
        """,
    Task.REWRITE: """
        en: grammar, spelling, formal, tone
        vi: ngữ pháp, chính tả, sửa lại, hay hơn, chuyển câu, câu văn
        zh: 语法, 語法, 修改, 优化, 通顺, 语气, 改成, 改为, 改為
        ja: 文法, 直して, 修正, 丁寧
        ko: 문법, 바꿔, 바꾸, 공손, 표현, 수정해
        pt: gramática, tom, formal
        id: baku, formal
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
        pt: função, funções, programa, código, implement*, lista, banco de dados, site
        id: fungsi, kode, program, basis data, skrip, aplikasi
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
        pt: soma, média, porcentagem, metade, dobro, resto, no total, reais, valor de
        id: jumlah, rata rata, persen, setengah, sisa, total, rupiah, nilai dari
        """,
    Task.REASONING: """
        en: why might, why would, what might, what would, where would, where might, what could, where could,
            would you, might someone, if you, someone, true, false, valid, statement, statements, argument, sequence,
            options, analyze, compare, taller than, older than
        vi: phân tích, so sánh, vì vậy, giả sử, đúng, sai, hợp lý, có khả năng, đứng trước, đứng sau, cao hơn,
            lớn tuổi hơn, câu nào, lựa chọn, thấp nhất, cao nhất, lớn nhất
        de: gründe, wahr, falsch, wenn, sortier*
        fr: raisons, vraie, fausse, vrai, faux
        es: razones, verdadera, falsa, verdadero, falso, razonable
        it: ragioni, vera, falsa, vero, falso
        zh: 如果, 那么, 因此, 分析, 比较, 比較, 可能, 判断, 判斷, 真, 假, 甲, 乙, 丙, 为什么会, 应该
        ja: もし, 分析, 比較, 可能性, 判断, より, 一番
        ko: 만약, 따라서, 분석, 비교, 가능성, 판단, 참, 거짓, 보다
        pt: razões, verdadeiro, falso, ^ se, e se, portanto
        id: benar, salah, jika, maka, alasan
        """,
    Task.CREATIVE: """
        en: write, compose, draft, ^ create, ^ generate a, ^ describe a, story, essay, letter, vivid, persuasive,
            engaging, captivating, words or less, paragraphs, design a, help me, ^ you are a, ^ you are an
        vi: viết, hãy tạo, ^ tạo, câu chuyện, nhân vật, lá thư, sinh động, hấp dẫn, thuyết phục, thiết kế, bài viết,
            ^ bạn là một
        de: schreib*, erstell*, e mail, überzeugend*, lebendig*, fesselnd*, absatz, absätz*
        fr: écri*, ^ créez, compose, lettre, convaincant*, captivant*, paragraphe*
        es: escrib*, ^ crea, carta, persuasiv*, cautivador*, párrafo*
        it: scriv*, ^ crea, lettera, persuasiv*, avvincent*, paragraf*
        zh: 写一, 寫一, 写个, 写, 寫, 邮件, 郵件, 诗, 詩, 角色, 描写, 段落, 生动, 设计, 创意, 有趣, 编写, 你是一名,
            你是一个, 你是一位
        ja: 書いて, 書け, 書きなさい, 作成して, 登場人物, 段落, メール, 魅力的, 考えて
        ko: 써줘, 써 줘, 써 주세요, 써주세요, 쓰시오, 쓰세요, 써라, 작성해, 작성하, 작성, 이야기, 시를, 주인공, 문단,
            단락, 매력적, 만들어
        pt: carta, parágrafo*, escrev*, cri*
        id: surat, paragraf, tulis*, buatkan*
        """,
    Task.QA: """
        en: what, who, whom, whose, when, where, why, which, how, explain*, describe*, define, suggest, recommend,
            propose, definition of, discuss, tell me, give me, answer, do you, ^ is, ^ are, ^ does, ^ do, ^ did,
            ^ can, ^ was, ^ were, ^ has, ^ will, ^ should, name the, name a, outline, passage, context, choices,
            meaning of, difference between, tell me about
        vi: sâu nhất, cao nhất thế giới, gì, nào, đâu, ai đã, ai là, của ai, do ai, bởi ai, khi nào, bao giờ, tại sao,
            vì sao, sao, thế nào, ra sao, bao nhiêu, có phải, giải thích, mô tả, định nghĩa, nêu, kể tên, giới thiệu,
            khái niệm, phải không, đúng không, được không, không ạ, trả lời, đoạn văn, ngữ cảnh, khác nhau, hỏi,
            là ai, bạn có thể, gợi ý, đề xuất, cho biết, trình bày
        de: ist eine, höchste*, tiefste*, grösste*, wer, wen, wem, wo, wann, warum, wieso, weshalb, wie, welche*,
            welcher, welches, was ist, was sind, was war, was sollte, was versteht, beschreib*, nenn*, diskutier*,
            was geschieht, was passiert, schlagen sie, erklär*, erläuter*, erörter*, kann man, darf ich, darf man,
            muss ich, stimmt es, gibt es, unterschied
        fr: le plus, la plus, qui, quoi, où, quand, pourquoi, quel, quelle, quels, quelles, qu est, ^ comment,
            comment fonctionne, décri*, définiss*, combien, pouvez vous, donnez, expliq*, est ce que, peut on,
            c est quoi, qu est ce, puis je, différence entre
        es: el más, el lago, el río, qué, quién, quiénes, dónde, cuándo, por qué, cómo, cuál, cuáles, cuánto, cuántos,
            ^ que es, ^ quien, ^ cual, ^ cuando, ^ donde, ^ como, describe, describa, define, defina, discuta, comparta,
            sugiere, explica, explicar, explique, se puede, puedo, es verdad, hay que, diferencia entre
        it: il più, cosa, ^ chi, chi è, ^ dove, ^ quando, perché, ^ come, qual, quale, quali, quanto, quanti, descriv*,
            definisci, suggerisci, discuti, spieg*, si può, posso, è vero, che cos, cos è, differenza tra
        zh: 最深, 最大, 最高, 什么, 什麼, 谁, 誰, 哪, 何时, 何時, 怎么, 怎麼, 怎样, 如何, 为什么, 為什麼, 吗, 嗎,
            多少, 是否, 解释, 解釋, 介绍, 介紹, 说明, 說明, 描述, 回答, 请问, 請問, 简述, 何为, 呢, 区别, 阅读, 为何,
            何处, 哪里, 什么是, 答案, 建议, 几, 推荐
        ja: 世界一, 何, 誰, どこ, いつ, なぜ, どうし, どの, どれ, どんな, ですか, ますか, でしょうか, とは, 説明,
            違い, いくつ, いくら, 述べ, おすすめ, 提案, 教えて
        ko: 가장, 무엇, 무슨, 뭐, 누구, 누가, 어디, 언제, 왜, 어떻게, 어느, 어떤, 몇, 얼마, 인가, 까요, 나요, 니까,
            설명, 알려, 답하, 서술, 소개, 차이, 대답, 지문, 에 대해, 답을, 답변, 추천, 제안
        pt: o mais, o lago, a capital, quem, quando, onde, por que, como, qual, quais, quanto, quantos, o que é,
            expliq*, descrev*, defin*, o que, posso, pode, é verdade, pra que serve, para que serve, me explica,
            explica, existe, diferença entre, por quê, será que, onde fica
        id: terdalam, tertinggi, terbesar, ibu kota, siapa, kapan, di mana, mengapa, kenapa, bagaimana, apa, apakah,
            berapa, jelaskan, sebutkan apa, manakah, apa itu, apa bedanya, beda, bisakah, bolehkah, boleh, gimana, kok,
            apa fungsi, adakah, perbedaan
        """,
}

# Asking for an amount is arithmetic where the text gives numbers to reckon with, and a plain question elsewhere.
QUANTITIES: Final = """
    en: how many, how much, how long, how old, how far, how fast, what is the total, what is the average,
        what was the total, what percent*, what fraction, how late, how large, how high, how tall, how heavy
    vi: bao nhiêu, là mấy, thứ mấy, mấy cái, mấy người, mấy quả, mấy giờ, mấy ngày, mấy lần, mấy tuổi, còn mấy,
        hỏi có, bao lâu, bao xa
    de: wie viel*, wieviel*, wie hoch, wie groß, wie lange, wie lautet der rest
    fr: combien, quel est le montant, quel est le reste, quelle est la somme
    es: cuánto, cuánta, cuántos, cuántas, cuál es el resto
    it: quanto, quanta, quanti, quante, qual è il resto
    zh: 多少, 几个, 几只, 几天, 几本, 几块, 几元, 几小时, 几岁, 几次, 几人, 几公里, 几分钟, 几颗, 几支, 几张, 幾個,
        幾天, 多久, 多远, 多长
    ja: いくつ, いくら, 何個, 何人, 何円, 何本, 何匹, 何枚, 何時間, 何分, 何冊, 何歳, 何ドル, 何日, 何キロ,
        何メートル, どれだけ
    ko: 몇, 얼마
    pt: quanto, quanta, quantos, quantas
    id: berapa
    """

# Compounds in which a word of a task means something else.
TASK_INNOCENTS: Final = """
    en: in order to, area code, class action, left wing, right wing, prime minister
    vi: dịch vụ, máy tính, tính năng, tính cách, tính chất, hàm lượng, sao chép, ngôi sao, đồng thời, đồng ý,
        hội đồng, cộng đồng, hợp đồng, phổ biến, tổng thống, tổng giám đốc, thương mại, thương hiệu, góc nhìn,
        hiệu quả, hiệu ứng, tính từ, tính đến, giới tính, tuyến tính, mã số, mã vạch, biến đổi khí hậu, biến đổi,
        sao hỏa, hàm răng, sao mộc, dù sao, ^ dịch vụ, ^ dịch bệnh, ^ dịch cúm, ^ dịch tả, ^ dịch chuyển, ^ tính năng,
        ^ tính cách, ^ tính chất, ^ tính từ, ^ tính đến
    de: fassen sie sich, fasse dich, geschichte der, dichter, dichtern, gericht, gerichts, letzter, preis, preise,
        schrieb, schrieben
    zh: 几乎, 几何, 真正, 真的, 假期, 信息, 信任, 相信, 公元, 单元, 要求, 需求, 追求, 请求, 计算机, 計算機, 量子计算,
        云计算, 情感小说, 元素
    ja: 何か, 計算機
    ko: 총리, 원래, 직원, 지원, 배경, 배우, 배터리, 회원, 공원, 병원, 부정사, 참가, 참여, 참고, 왜냐하면, 계산기,
        계산서, 원칙, 원소
    es: cuenta, cuentan, cuentas, cuantía, inventó, una sola extracción
    """

# What takes a command back where it stands within a few words before it, and, in Japanese and Korean, right after it.
NEGATIONS: Final = """
    en: do not, don t, dont, not, never, without, instead of, no need to, rather than, didn t, doesn t, isn t, wasn t
    vi: đừng, không cần, chớ, khỏi cần, không phải, chứ không, khỏi
    de: nicht, nichts, kein, keine, keinen, ohne, statt
    fr: ne, n, sans, pas, au lieu de
    es: no, sin, nunca, en vez de
    it: non, senza, invece di, niente
    pt: não, sem, nunca, em vez de
    id: jangan, tidak, tanpa, tak usah, bukan
    zh: 不要, 别, 不用, 无需, 不必, 不是, 勿
    """
NEGATIONS_AFTER: Final = """
    ja: しないで, さなくて, なくてい, せずに, 不要, しなくて
    ko: 하지 말, 하지마, 지 말, 안 해도, 말고
    """
