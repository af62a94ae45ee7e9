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
            the korean for, spanish word for, french word for, german word for, english word for,
            what does this sign say, what does the note say, how would that be in, english version of,
            spanish version of, french version of, german version of, make it spanish, make it french, say that in,
            put that in english, put this into, word for this in, i need this in spanish, i need this in french,
            i need this in german, i need this in english
        vi: ra tiếng, qua tiếng, tiếng hàn nói, tiếng nhật nói, trong tiếng anh là, bản tiếng việt,
            nghĩa là gì trong tiếng, dịch sang, dịch ra, dịch qua, dịch câu, dịch đoạn, dịch văn bản, dịch bài,
            dịch từ, dịch giúp, dịch cho, dịch hộ, dịch lại, dịch thuật, dịch nghĩa, dịch tiếng, dịch các, dịch những,
            dịch nội dung, dịch tài liệu, dịch thư, dịch email, dịch sau, dịch 0, hãy dịch, ^ dịch, bản dịch,
            phiên dịch, cần dịch, muốn dịch, chuyển ngữ, tiếng anh là gì, tiếng việt là gì, nói thế nào bằng tiếng,
            sang tiếng, tiếng việt nói, tiếng anh nói, dịch giùm, bản tiếng anh, bản tiếng hàn, bản tiếng nhật,
            bản tiếng trung, tiếng anh gọi là, tiếng anh nói sao, tiếng nhật nói sao, tiếng hàn nói sao,
            bằng tiếng nhật, bằng tiếng hàn, bằng tiếng trung, bằng tiếng pháp, bằng tiếng đức, biển này ghi gì,
            ghi gì vậy
        de: ins englische, ins deutsche, ins spanische, ins französische, ins italienische, auf spanisch, was heißt,
            übersetz*, uebersetz*, wie sagt man, auf englisch heisst, übertrag* ins, auf französisch bitte,
            auf italienisch bitte, wie heißt das auf, deutsch bitte, verdeutsch*, eindeutsch*, dolmetsch*,
            übersetz mir, kannst du das übersetzen, ins englische übertragen, auf englisch sagen, auf deutsch bitte,
            englische version, deutsche version, französische version, englische fassung, spanische fassung,
            wie würde man, sinngemäß auf, was steht auf dem schild, entspricht auf englisch, ins hochdeutsche,
            auf hochdeutsch
        fr: en anglais, en espagnol, en italien, en allemand, version espagnole, version anglaise, que veut dire,
            tradui*, traduction*, comment dit on, comment dire, mets en anglais, mettez en anglais, passe en anglais,
            en français s il, en français svp, version française, comment on dit, ça se dit comment, tu me traduis,
            peux tu traduire, traduis moi, traduisez moi, mets moi ça en, mets ça en, mets le en, version allemande,
            version italienne, vers l anglais, vers le français, vers l allemand, ça donne quoi en,
            comment s appelle en, comment écrit on, équivalent anglais, équivalent français, en bon français,
            en anglais correct
        es: al inglés, al francés, al alemán, al español, en inglés, en alemán, pásame al, qué quiere decir, traduc*,
            traduz*, cómo se dice, como se dice, pásalo al, pasa al inglés, pasa esto al, pásame esto al,
            ponlo en inglés, cómo digo, vierte al, versión en inglés, tradúceme, tradúzcame, me traduces,
            me lo traduces, puedes traducir, cómo se escribe en, cómo quedaría en, cómo sería en, qué pone en,
            qué pone este, qué dice este cartel, versión en español, versión inglesa, en castellano, al castellano,
            ponlo en, ponerlo en, pásalo a inglés, pasar al inglés, dilo en inglés, equivalente en
        it: in inglese, in tedesco, in francese, in spagnolo, come si dice, cosa vuol dire, traduc*, traduzion*,
            passa in inglese, versione inglese, come dico, me lo traduci, puoi tradurre, mi traduci, traducimi,
            traducilo, come si scrive in, come si chiama in, come suona in, che significa questa scritta,
            cosa c è scritto, versione italiana, versione tedesca, volgi in, volgere in, rendi in inglese,
            mettilo in inglese, equivalente in, equivalente inglese, che vuol dire
        zh: 翻成, 翻译成, 英译, 日语怎么说, 韩语怎么说, 法语怎么说, 德语怎么说, 给个中文版, 中文叫, 翻译, 翻譯, 译成,
            譯成, 译为, 譯為, 译文, 譯文, 英语怎么说, 英文怎么说, 中文怎么说, 用英语说, 英文怎麼說, 用英文怎么,
            英译中, 中译英, 英译汉, 汉译英, 英语咋说, 英文咋说, 日语咋说, 用日语写, 用英语写, 用法语, 用德语, 用韩语,
            写成英文, 写的啥意思, 译成英语, 译成中文, 中译, 英文怎么表达, 英文表达, 这句英文, 这邮件说的, 英语里怎么,
            日语里怎么
        ja: 英訳, 中国語にして, 日本語にして, 英語にして, って英語で, スペイン語で, 韓国語に訳, 翻訳, 訳して,
            訳しなさい, 訳せ, 和訳, 英語で何と, 英文で, 英文を, 英語で何, 英語では, 英語だと, 中国語で, 韓国語で,
            フランス語で, ドイツ語で, 日本語訳, 訳を, 何て書いて, 何と書いて, なんて書いて, って英語, 英文ください,
            英文に, 日本語だと
        ko: 영문화, 일본어로 옮, 우리말로, 무슨 말이야, 베트남어로 바꿔, 영역, 번역, 영어로 뭐, 영어로 어떻게,
            한국어로 뭐, 영어로 옮, 한국어로 옮, 영어로 바꿔, 한국어로 바꿔, 영작, 일본어로 어떻게, 중국어로 어떻게,
            베트남어로 어떻게, 영문으로, 영어론, 영어로는, 일어로, 불어로, 한국말로, 우리말 뜻, 뭐라는 거, 뭐라고 써,
            무슨 뜻이야, 번역해, 통역, 영문 번역
        pt: traduz*, traduc*, como se diz, como se fala, verta para, passa pro, passe para o inglês, coloca em inglês,
            coloque em inglês, como digo, como fala, versão em inglês, em inglês fica, me traduz, traduz pra mim,
            como se escreve em, como ficaria em, como fica em, qual o equivalente em, passa pra inglês,
            passa pro inglês, passe para o espanhol, passa para o francês, o que está escrito, o que diz essa placa,
            o que diz esta placa, versão em espanhol, versão inglesa, verta, verter, vertido, escreve em inglês,
            escreva em inglês, põe em inglês, põe em espanhol, bota em inglês, diga em inglês, tradutor
        id: terjemah*, alihbahasa*, bahasa inggrisnya, bahasa indonesianya, dalam bahasa inggris apa, terjemahin,
            artikan, bahasa jepangnya, bahasa koreanya, bahasa arabnya, bahasa mandarinnya, ke dalam bahasa,
            alih bahasa, tolong artiin, artiin, arti dari tulisan, arti tulisan, bahasa inggris dari,
            dalam bahasa inggris, versi inggris, versi indonesia, versi bahasa, inggrisin, pake english,
            pake bahasa inggris, pakai bahasa inggris, ke bahasa jepang, terjemahkan ke, apa bahasa inggrisnya,
            apa inggrisnya, artinya dalam bahasa, maksudnya dalam bahasa
        """,
    Task.SUMMARIZATION: """
        en: give me the gist, in one line, takeaways, the short version, executive summary, minutes please,
            abstract of, synthesize, synthesise, boil the, too long, summari*, summary, sum up, sum this up, tl dr,
            tldr, in a nutshell, key points, main points, key takeaways, main takeaways, key ideas, main ideas,
            main idea of, distill, condense, the gist, boil down, boil this down, title for this, headline for this,
            title for the, headline for the following, recap this, shorten this, give me the highlights,
            write an abstract, in 0 sentences, in one sentence, in two sentences, in three sentences,
            one line summary, two lines, three bullets, in bullets, in a sentence, short version, too long to read,
            didn t read, what did they decide, what was decided, meeting notes into, what s the main point,
            what is the main point, main message, what does it say in short, give me the short, quick rundown,
            rundown of, headline for, a headline, a title for
        vi: nói gọn, ý chính là, tóm lại, rút gọn báo cáo, nói vắn tắt, viết tóm lược, viết tóm tắt, tóm tắt,
            tóm lược, tóm gọn, tóm ý, ý chính, các ý chính, nội dung chính, điểm chính, những điểm chính,
            luận điểm chính, thông tin chính, đặt tiêu đề, tiêu đề cho, viết tiêu đề, tạo tiêu đề, rút gọn đoạn,
            rút gọn văn bản, rút gọn bài, cô đọng, trong 0 câu, tổng kết lại, tổng hợp lại, nói ngắn gọn thì, đại ý,
            nói ngắn, ngắn gọn thôi, ý quan trọng nhất, ý quan trọng, chốt lại, chốt được gì, kết luận cuộc họp,
            biên bản họp, biên bản ngắn, tổng thuật, điểm lại, tóm lại giúp, dài quá, không có thời gian đọc,
            chưa đọc, nội dung là gì, bài nói về gì, bài này nói gì, nói về điều gì, đặt tít, giật tít, tiêu đề ngắn,
            trong ba câu, trong hai câu, trong một câu, hai dòng, ba dòng, ba ý
        de: in einem satz, kurz gesagt, kurzfassung, protokoll, resümier*, fass das, fass die, fass den,
            zusammenfass*, zusammengefasst, kernpunkte*, kernaussage*, hauptpunkte*, hauptaussage*,
            wichtigsten punkte, überschrift für, fasse den, fasse die, fasse das, fasse diesen, fasse diese,
            fasse dieses, fasse mir, fasse folgend*, fassen sie, in zwei sätzen, in drei sätzen, in 0 sätzen,
            auf den punkt, quintessenz, in stichpunkten, in stichworten, das wichtigste, worum geht es, worum geht s,
            komprimier*, eindampf*, zusammenfassung, fass mir, fass zusammen, fasst zusammen, in zwei sätzen wieder,
            inhalt wieder, gib den inhalt, gib wieder, kurzversion, kurz und knapp, ganz kurz, fünf stichpunkte,
            drei stichpunkte, ergebnisprotokoll, kurzprotokoll, kernaussagen, hauptgedanken, was steht drin,
            worauf läuft, was wurde beschlossen, was ist rausgekommen, zu lang, keine zeit, den bericht zu lesen,
            überschrift dazu, titel für, schlagzeile für, verdichte, verdichten, das wesentliche,
            die wichtigsten punkte, eckpunkte
        fr: en une phrase, l essentiel, compte rendu, note de synthèse, version courte, résum*, synthétis*,
            synthèse de, points clés, points principaux, idées principales, en bref, titre pour, en deux phrases,
            en trois phrases, en 0 phrases, en quelques lignes, en 0 lignes, condense*, l idée principale, à retenir,
            ce qu il faut retenir, de quoi parle, de quoi s agit, en gros, fais un résumé, fais moi un résumé,
            en résumé, synthétiser, fiche de lecture, note de lecture, compte rendu bref, en deux lignes,
            en une ligne, en trois lignes, en quelques mots, en quelques puces, en trois points, en cinq points,
            messages principaux, ce qui a été décidé, ce qu on a décidé, ça raconte quoi, ça parle de quoi,
            pas le temps de lire, pas lu, trop long à lire, un titre accrocheur, titre accrocheur, titre pour cet,
            grandes lignes, points essentiels, idées clés, abrège
        es: en una línea, en una frase, titular, informe ejecutivo, resume con, resumen ejecutivo, sintetiz*,
            síntesis, puntos clave, puntos principales, ideas principales, idea principal, en pocas palabras,
            título para, resumen, resumir, resuma, resúmeme, resume el, resume la, resume los, resume este,
            resume esta, en dos frases, en tres frases, en 0 frases, en pocas líneas, en 0 líneas, condensa,
            lo esencial, lo más importante, de qué va, de qué trata, al grano, resumid*, hazme un resumen,
            haz un resumen, hacer un resumen, un resumen, resumen breve, resúmelo, resumirlo, resumírmelo, resumiendo,
            idea central, tesis central, en qué quedamos, en tres líneas, en dos líneas, en viñetas, acta de,
            acta breve, de qué habla, qué dice el artículo, versión corta, versión de una frase, en una sola frase,
            demasiado largo, no me da tiempo a leer, no he leído, titular para, un titular, conclusiones principales,
            ideas clave
        it: in una frase, titolo breve, verbale, al sodo, nota per il, riassu*, sintetizz*, sintesi, punti chiave,
            punti principali, idee principali, in breve, titolo per, in due frasi, in tre frasi, in 0 frasi,
            in poche righe, in 0 righe, condensa, l essenziale, di cosa parla, di cosa tratta, il succo, sunto,
            fai un riassunto, fammi un riassunto, mi fai un riassunto, un riassunto, in sintesi, sintetizzare,
            in due righe, in tre righe, in una riga, in tre punti, in cinque punti, riduci a, dammi il succo,
            in soldoni, verbale in breve, di cosa si parla, cosa dice l articolo, cosa avete deciso, cosa si è deciso,
            non ho letto, troppo lungo, versione breve, trova un titolo, dai un titolo, un titolo per, punti salienti,
            punti essenziali, idea centrale, nocciolo, concetti chiave
        zh: 一句话说, 重点是, 太长不看, 写摘要, 整理成, 简短点, 总结, 總結, 概括, 摘要, 概述, 归纳, 歸納, 要点, 要點,
            主旨, 大意, 中心思想, 主要内容, 主要內容, 提炼, 提煉, 缩写, 拟一个标题, 拟标题, 写一个标题, 写标题,
            生成标题, 取标题, 起标题, 一句话概, 精简, 一句话讲, 一句话总结, 一句话, 三句话, 两句话, 压成, 压缩成,
            缩成, 浓缩, 重点, 定了什么, 会议纪要, 会议里, 太长了, 讲的啥, 讲了什么, 讲什么, 说了什么, 说的什么,
            核心内容, 核心观点, 长话短说, 简要, 列几条, 三条, 三点, 梗概, 摘出重点, 拟个标题, 起个标题, 取个标题
        ja: 一行で, 要するに, 見出し, 議事録, 要点, 概要を, 要約, まとめて, 要旨, 概要, 見出しを, タイトルを, 三行で,
            二行で, 一文で, かいつまんで, 短くお願い, 骨子, 趣旨, 論点を整理, 主張を整理, ポイントを, ポイントだけ,
            決まったこと, 決定事項, 議事メモ, 箇条書きで, 長くて読め, 長すぎる, 題をつけて, 題名を, 見出しをつけ,
            字で整理, 字以内でまとめ, 内容を短く, ざっくり
        ko: 한 줄로, 간추려, 결론이 뭐, 개요로, 짧게 말하면, 추려, 요약, 핵심 내용, 핵심내용, 핵심만, 핵심 포인트,
            요점, 간추, 줄거리, 한줄로, 0문장으로, 세 문장으로, 제목을 생성, 제목을 만들, 제목을 지어, 제목을 작성,
            제목을 붙, 주요 내용, 주요내용, 줄여, 두 줄로, 세 줄로, 한 문장으로, 두 문장으로, 요약본, 요지, 핵심을,
            결정된 것, 결정 사항, 회의록, 회의 내용, 너무 길다, 너무 길어, 무슨 얘기, 무슨 내용, 내용이 뭐, 압축해,
            항목으로, 정리하되, 짧게 정리, 한마디로, 제목 하나, 제목 달아, 헤드라인, 골자, 취지
        pt: resum*, sintetiz*, pontos principais, ideias principais, ideia principal, em poucas palavras, em resumo,
            pontos chave, condens*, enxugue, em uma frase, numa frase, em duas frases, em três frases, em 0 frases,
            em poucas linhas, em 0 linhas, o essencial, do que se trata, de que trata, do que fala, em tópicos,
            pontos mais importantes, versão curta, resume pra mim, resume aí, me resume, faz um resumo,
            faça um resumo, resumão, resumo executivo, resumindo, síntese, sintetizar, em duas linhas, em uma linha,
            numa linha, em três linhas, ponto principal, quais foram as conclusões, o que foi decidido,
            o que ficou decidido, ata da reunião, me conta só o que, só o que interessa, não li, não vou ler,
            muito longo, texto longo, título curto, um título, chamada para a notícia, ideia central,
            mensagem central, principais pontos, destaques do, qual é o recado, enxugar
        id: ringkas*, rangkum*, simpulkan isi, intisari, poin utama, poin penting, pokok pikiran, inti dari,
            intinya apa, singkatnya, diringkas, dirangkum, dalam satu kalimat, dalam dua kalimat, dalam tiga kalimat,
            dalam 0 kalimat, garis besar, secara singkat, poin poin, ikhtisar, persingkat, isi pokok, inti teks,
            inti cerita, buatkan ringkasan, buat ringkasan, buatin ringkasan, ringkasannya, ringkasan singkat,
            rangkuman, bikin rangkuman, notulen, notulennya, kesimpulan rapat, hasil rapat, apa keputusan,
            apa saja keputusan, singkat aja, singkatkan, sampaikan pokok, pokok pokoknya, isinya tentang apa,
            intinya gimana, inti berita, inti beritanya, ga sempet baca, gak sempat baca, kepanjangan,
            dalam dua baris, dua kalimat, satu kalimat, tiga butir, judul yang pas, kasih judul, judul berita,
            gagasan utama, ide pokok
        """,
    Task.EXTRACTION: """
        en: pull out the, pull the, list the dates, are named here, are mentioned, phone number, get me the total,
            build a timeline, fill the form, structured data, as structured data, one per line, into this schema,
            make a table of, csv, extract*, named entit*, named entity, key concepts, pull out, list all the names,
            find all the names, find all mentions, keywords from, return a json, output a json, in json format,
            json array, json string, as json, in csv format, copy the sentence, quote the sentence, highlight the,
            count how many times, just the email, just the names, just the dates, just the numbers, only the names,
            only the dates, which people, which companies, which cities, which dates are, who is mentioned,
            what dates are, what amounts, pull all, grab all, get all the, get the names, note down the,
            put into a table, into a table, in a table, a table with, with columns, fill in this, into json, to json,
            order number, invoice number, tracking number, quote every, quote all, copy every, copy out
        vi: lọc ra, lấy giùm, lấy tên, lập bảng, dòng thời gian, ra json, điền biểu mẫu, trích mọi, lấy số,
            trích xuất, trích rút, rút trích, trích ra, trích lọc, thực thể, từ khóa, từ khoá, tìm tất cả các,
            tìm ra tất cả, lấy ra, chỉ ra các tên, liệt kê tất cả các tên, liệt kê các tên, liệt kê tên,
            định dạng json, dạng json, xác định các tên, lọc số, lọc các, lọc tên, có tên người, tên người và,
            địa danh nào, những ai được, những địa điểm nào, ngày nào được, mốc thời gian, được nêu, được nhắc tới,
            có trong đoạn, ghi lại các, ghi lại những, chép lại, lập danh sách, thành bảng, thành json,
            chuyển thành json, sang json, gồm các trường, các trường, mỗi dòng một, số điện thoại, mã đơn hàng,
            số tài khoản, lấy email, lấy các, lấy hết, nhặt ra, trích câu, trích nguyên văn
        de: extrahier*, nur die, schreib mir die, liste der, tabelle mit, zeitleiste, als csv, in json, ins schema,
            welche kommen vor, entitäten, entnehmen sie dem text, finde alle, finden sie alle, json format, im json,
            schlüsselwörter, such heraus, suche heraus, zieh heraus, filter heraus, liste auf, liste mir,
            gib mir alle, nenne mir alle, welche namen, welche orte, welche beträge, auslesen, herausschreib*,
            heraussuch*, herausfilter*, als tabelle, als json, hol mir, hol alle, nenne absender, welche personen,
            welche daten, welche termine, werden erwähnt, werden genannt, kommen vor, stehen im text, erwähnten,
            genannten, filtere, filter aus, nur die fehler, nur die namen, nur die daten, alle mailadressen,
            alle termine, alle namen, alle beträge, alle adressen, untereinander, eine pro zeile, in eine tabelle,
            tabelle ein, trage ein, trag ein, mit den schlüsseln, als liste, liste mit, schreib die zutaten,
            schreib raus, herausfinden aus dem text, markiere im, zitiere die stelle, zitier die, notiere alle,
            notier die, übernimm die
        fr: sors les, juste le, chronologie, tableau, en json, extrais, sont citées, remplis, extrai*, extraction,
            extray*, entités nommées, format json, chaîne json, mots clés, relève, relevez, relever, repère les,
            repérez, récupère*, donne la liste, tous les noms, toutes les dates, tous les montants,
            sous forme de tableau, quels noms, quelles dates, sous forme de liste, isole les, donne moi le numéro,
            donne le numéro, juste les, seulement les, uniquement les, quels montants, quelles personnes, quels lieux,
            quelles villes, quelles sociétés, sont mentionnés, sont mentionnées, sont cités, mentionnés dans,
            cités dans, évoqués, figurent sur, figurent dans, apparaissent, recopie les, recopie le,
            copie les phrases, liste des, dresse un tableau, dresse la liste, un tableau des, remets ça en json,
            mets en json, au format json, en colonnes, une par ligne, un par ligne, trouve dans, relève les,
            relève toutes, établis la chronologie, chronologie complète, remplis le tableau, les prénoms,
            les montants, les adresses, les courriels
        es: sácame, dime solo, saca solo, línea de tiempo, en json, rellena, tabla con, aparecen, extrae, extraer,
            extraiga, extraigan, extraído, extraídos, extracción, entidades, formato json, palabras clave, recopila,
            todos los nombres, todas las fechas, todos los importes, qué nombres, qué fechas, en una tabla,
            en forma de tabla, recoge los, recoge las, apunta los, señala los, sácame el, sácame los, sácame las,
            saca la, anota todas, anota todos, anota las, anota los, dime qué personas, qué personas, qué empresas,
            qué lugares, qué ciudades, se mencionan, se menciona, salen en, aparecen en, se citan, citados en,
            lista de ingredientes, copia literalmente, copia las frases, pásalo a tabla, en tabla, tabla con columnas,
            en formato json, uno por línea, una por línea, solo los nombres, solo las fechas, solo los correos,
            nada más los, el código postal, los importes, los teléfonos, las direcciones, los correos, identifica las,
            identifica los, reconstruye la cronología
        it: tira fuori, solo la, cronologia, in json, compila, tabella, estrai, estrarre, estraete, estragga,
            estrazione, entità, formato json, parole chiave, ricava, elencami, trova tutti, trova tutte, tutti i nomi,
            tutte le date, tutti gli importi, quali nomi, quali date, in una tabella, in tabella, raccogli i,
            raccogli le, segna i, tirami fuori, che nomi, quali persone, quali luoghi, quali allergeni, compaiono,
            sono citati, sono citate, sono menzionati, sono indicati, menzionati nel, citati nel, copia tutte,
            copia tutti, copia le frasi, elenca chi, elenca le, elenca gli, metti in json, in formato json,
            compila la tabella, compila il modulo, in colonne, uno per riga, una per riga, solo i nomi, solo le date,
            solo gli importi, solo i prezzi, gli orari, gli importi, i numeri di telefono, le scadenze,
            la partita iva, individua nel, individua i, riporta i, trascrivi i, link contenuti
        zh: 摘出来, 取出, 列个表, 拆成, 时间线, 填表, 输出json, 挑出, 提取, 抽取, 抽出, 摘出, 摘录, 摘錄, 找出文中,
            找出所有, 实体, 實體, 关键词, 關鍵詞, 关键字, 列出文中, 从文中找, 从文本中, 從文本中, 从文章中找,
            从下面的文本, 从以下文本, 从段落中, json格式, json 格式, 写下来, 挑出来, 摘下来, 抄下来, 记下, 做成json,
            转成json, 做成表格, 列成表, 整理成表, 人和地方, 哪些人, 哪些地名, 提到了哪些, 出现了哪些, 手机号,
            电话号码, 邮箱, 截止日, 日期都, 所有日期, 所有人名, 条款号, 只要名字, 只要日期, 单号
        ja: 抜いて, 拾って, 表に, 時系列, jsonに, 抜き出, 抽出, 抜き書き, 取り出して, 固有表現, 固有名詞, キーワード,
            json形式, json 形式, だけ抜いて, を抜いて, 抜粋, 書き出して, 書き出し, 拾い出, すべて拾, 列挙, 一覧にして,
            一覧表, 表にし, 表にまとめ, jsonにして, jsonで, キーは, 登場する人, 人と場所, 人名と地名, 日付を, 締切日,
            電話番号, メールアドレス, 口座番号, 金額を, 項目ごとに, いくらって書いて, 記載され
        ko: 뽑아줘, 표로, 시간표로, json으로, 추출하, 번호만, 추출, 뽑아, 찾아내, 개체명, 개체를, 키워드, 발췌,
            json 형식, json 형태, json 으로, 골라내, 만 뽑아, 적어줘, 적어 줘, 전부 써, 모두 적어, 모두 찾아, 다 찾아,
            표로 뽑, 표로 정리, 키는, 사람과 장소, 인물과 장소, 날짜를 전부, 날짜만, 이름만, 계좌번호, 전화번호,
            이메일만, 주소만, 금액만, 항목만, 골라줘, 목록으로, 문장 속
        pt: extra*, formato json, em json, palavras chave, entidades, liste os nomes, identifique os nomes, preencha,
            tira os, tira as, tire os, tire as, pega todos, pegue os, pegue as, puxa os, puxa as, separa os,
            separe os, separe as, liste todos, liste todas, lista todos, todos os nomes, todas as datas,
            todos os valores, quais nomes, quais datas, numa tabela, em tabela, em forma de tabela, retire os,
            retire as, devolve em json, quais nomes aparecem, quais cidades, que cidades, quais pessoas, que pessoas,
            aparecem aqui, são citados, são citadas, são mencionados, são mencionadas, citados no, citadas no,
            mencionados no, mencionadas no, acha o, acha a, ache o telefone, só os e mails, só os nomes, só as datas,
            só o número, só o telefone, um por linha, uma por linha, me passa a lista, lista de participantes,
            monte uma tabela, monta uma tabela, em uma tabela, devolva um json, devolva em json, retire do,
            retirar do, tira o, tira a, qual o número do, qual é o número do, quem falou, quem disse, trecho literal,
            copie as frases, copia as frases, transcreva os, puxe os, puxe as, colete os, recolha os
        id: ekstrak*, format json, kata kunci, entitas, ambil semua, daftar nama, sebutkan nama, ambilkan, cari semua,
            temukan semua, catat semua, tuliskan semua, sebutkan semua, tulis semua, daftarkan, keluarkan semua,
            dalam tabel, buat tabel, jadikan tabel, bentuk tabel, jadi json, ke json, semua nama, semua tanggal,
            semua angka, cari nama, nama orang, nama tempat, siapa saja yang, apa saja yang disebut, tanggal tanggal,
            tanggal penting, yang disebutkan, yang tercantum, yang ada di pengumuman, yang ada di teks, salin semua,
            salin kalimat, kutip, kutip bunyi, isi tabel, buatkan tabel, bikin tabel, tabelkan, ke dalam tabel,
            ubah ke json, jadikan json, dengan kunci, satu per baris, emailnya aja, nomornya aja, nomor rekening,
            nomor telepon, nomor hp, alamat email, ambil nama, ambilin, catat tanggal, petakan pasal, kumpulkan semua,
            pisahkan nama
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
            make this more, friendlier, correct the following, make this less, make it less, make it more, less harsh,
            less formal, less aggressive, friendlier tone, nicer way, a nicer way, politely, more politely,
            in past tense, into past tense, to past tense, in the third person, into third person, to plain english,
            plain language, easy read, cut this in half, half the length, half as long, tighten this, clean up this,
            clean this up, fix my grammar, fix this sentence, fix the spelling, spellcheck, spell check, add commas,
            add punctuation, wordy, too wordy, too formal, clunky, reads better, flow better, turn this into formal,
            say it nicer, without changing the meaning
        vi: sửa chính tả, lịch sự hơn, viết ngắn lại, đổi giọng, chỉnh đoạn, biên tập, viết lại, nói lại cho,
            diễn đạt lại, diễn giải lại, diễn đạt khác, cách diễn đạt khác, cách nói khác, cách viết khác,
            nói cách khác, sửa lỗi chính tả, lỗi chính tả, lỗi ngữ pháp, sửa ngữ pháp, chỉnh sửa, hiệu đính,
            trau chuốt, trang trọng hơn, chuyên nghiệp hơn, tự nhiên hơn, đặt lại câu, sửa câu, sửa đoạn, câu bị động,
            văn phong, nghĩa tương đương, mạch lạc hơn, dễ hiểu hơn, ngắn gọn hơn, nói lại, viết lại câu, cho lịch sự,
            bớt gay gắt, bớt suồng sã, nhẹ nhàng hơn, đổi sang câu, câu chủ động, thể chủ động, thể bị động,
            ngôi thứ ba, cho gọn, gọn hơn, gọn lại, rút ngắn câu, dài dòng, lủng củng, thêm dấu, thêm dấu câu,
            dấu phẩy, chấm phẩy, dễ hiểu cho, cho trẻ, đọc hiểu, sửa lỗi, sửa giúp câu, sửa giúp đoạn, sửa giúp mail,
            sửa văn, đổi xưng hô, xưng hô, giọng văn, giọng điệu, thay từ, ghép hai đoạn, gộp
        de: umschreib*, rechtschreibung, netter, kürzer, formuliere, formulier*, schreib die, in einfache sprache,
            setz den, schreiben sie um, formuliere um, umformulier*, anders formulier*, paraphras*, korrigier*,
            korrekturles*, rechtschreib*, grammatikfehler, grammatikalische*, höflicher, förmlicher, schreib neu,
            schreibe neu, schreib um, schreibe um, freundlicher, sachlicher, lockerer, verständlicher, verbessere den,
            verbessere die, verbessere das, verbesser den, überarbeit*, glätte, kürze den, kürze die, kürze das,
            lektorier*, ins passiv, im passiv, ins präteritum, in die vergangenheit, weniger förmlich,
            rechtschreibung prüfen, höflicher ausdrücken, diplomatischer, ausdrücken, setze ins, setz ins,
            ins perfekt, ins präsens, ins futur, in den plural, in die dritte person, natürlicher, klingt zu,
            zu steif, zu hart, formulier um, umformulieren, umformuliert, ohne man, ohne das wort, überarbeite,
            überarbeiten, alles in kleinschreibung, kleinschreibung, grossschreibung, kürze diesen, kürze den satz,
            kürzen, auf die hälfte, leichter sprache, leichte sprache, einfache sprache, einfacher, verständlich für,
            gleiche an, stilistisch, gendere, gendern, kommasetzung, setz kommas, kommas setzen, fehler korrigieren,
            korrektur lesen, sanfter, schöner formulieren, anders sagen, andere worte, mit anderen worten
        fr: plus gentil, raccourcis, refais, passe tout au, réécris, neutralise, en français facile, mets les accents,
            réécri*, reformul*, paraphras*, corrig*, fautes d orthographe, fautes de, erreurs grammatic*,
            erreurs de grammaire, plus formel, plus poli, améliore*, remanie*, retravaille*, plus court, plus clair,
            plus naturel, plus professionnel, simplifie le, simplifie ce, simplifiez, à la voix passive, au passé,
            peaufin*, rends ce, rends le, rends plus, adoucis, vouvoie*, tutoie*, rends ce mail, rends cette,
            rends la, mets ce paragraphe, mets cette phrase, au futur, à l imparfait, au présent, au pluriel,
            à la troisième personne, sans répéter, sans répétition, reformuler, raccourcir, raccourcis ce, allège,
            alléger, trop lourd, trop long, ajoute la ponctuation, ajoute les accents, ponctue, passe du,
            du vouvoiement, vouvoiement, tutoiement, fusionne, fusionner, plus cordial, plus doux, plus diplomate,
            plus chaleureux, plus soutenu, langage clair, français facile, récris, fautes d, les fautes, ton plus,
            change le ton, neutraliser, dis le autrement, autrement dit
        es: dilo más, acorta, quítale, rehaz*, hazlo, ponle tildes, puntuación, en lectura fácil, reescrib*,
            parafras*, reformul*, corrig*, corrij*, errores gramaticales, errores de gramática, ortografía,
            más formal, mejora el, mejora este, mejora la, pule, suaviza, más claro, más natural, más profesional,
            más educado, más amable, más breve, simplifica el, simplifica este, vuelve a escribir, escribe de nuevo,
            escríbelo de nuevo, a voz pasiva, en voz pasiva, cambia el tono, al pasado, ponle, ponle las tildes,
            pon las tildes, acentos, más suave, menos agresivo, menos brusco, di lo mismo, dilo de, de otra manera,
            con otras palabras, con la mitad de, la mitad de palabras, escribe esto en, escríbelo en, en pasado,
            en futuro, en plural, en tercera persona, de usted, cambia el registro, hazlo sonar, que suene, adapta el,
            adapta este, adáptalo, lectura fácil, lenguaje sencillo, lenguaje claro, corrige la, corrígeme,
            corrección, unifica, unifica el estilo, quita las, quita los, quita tópicos, sin repetir, reescribe,
            otra vuelta, mejora la redacción, mejorar la redacción, faltas de ortografía
        it: più garbato, accorcia, togli, rifalla, riscrivi, volgi, in linguaggio semplice, riscriv*, parafras*,
            riformul*, corregg*, errori grammaticali, errori di grammatica, più formale, migliora il, migliora questo,
            migliora la, più chiaro, più naturale, più professionale, più cortese, più breve, più gentile,
            semplifica il, semplifica questo, rendi più, rendilo, rendila, rivedi il, ripulisci, ammorbidisci,
            al passivo, al passato, sistema la frase, sistema questo, lo puoi dire, puoi dirlo, in modo più,
            modo più gentile, più diretto, più semplice, più scorrevole, meno formale, meno brusco, meno aggressivo,
            trasforma al, trasforma in, al passato remoto, al futuro, al plurale, in terza persona, dai del lei,
            dal tu al lei, del lei, la semplifichi, semplifica, semplificare, è contorta, frase contorta, accorciare,
            metti le maiuscole, maiuscole, sistema la, sistema il, sistema la punteggiatura, gli accenti, rielabora,
            rielaborare, armonizza, unisci, niente burocratese, burocratese, correggi, correzione, rivedi, revisione,
            senza ripetizioni, eliminando ripetizioni, migliora, con altre parole, in altre parole, cambia il tono
        zh: 改错别字, 说得客气, 改成, 换个说法, 重写, 帮我润色, 去掉, 重新讲, 改写, 改寫, 润色, 潤色, 潤飾, 重寫,
            换一种说法, 換一種說法, 换句话说, 换一种方式, 换种方式, 校对, 校對, 语法错误, 語法錯誤, 病句, 错别字,
            錯別字, 修改下, 修改以下, 修改这, 修改句子, 复述, 複述, 重新表述, 更正式, 更礼貌, 同义句, 转述, 优化这段,
            优化下面, 优化以下, 改成更, 改得更, 委婉点, 委婉一点, 客气点, 客气一点, 礼貌点, 正式点, 正式一点,
            口语变书面, 书面语, 口语化, 太啰嗦, 砍一半, 删减, 精简一下, 缩短, 改错字, 改成小学生, 通俗易懂, 改得,
            改通顺, 顺一下, 理顺, 加标点, 标点符号, 换成被动, 被动句, 第三人称, 改写成, 换个语气, 润一下, 修饰一下,
            说得更, 写得更, 重说, 重新组织
        ja: 誤字を直, 短くして, 柔らかく言, 書き換えて, 統一, 言い換え, やさしく書き, 書き直, 書き換え, 校正, 添削,
            推敲, リライト, 敬語に, 丁寧な表現に, 丁寧語に, 文法の誤り, 誤字, 丁寧に言え, 丁寧に, もう少し丁寧,
            柔らかく, やわらかい, 言い方を, 言い方に, 過去の文に, 過去形に, 現在形に, 受け身に, 能動態に, 文をくどい,
            くどいので, 半分に, 簡潔に, 分かる説明に, わかりやすく書, 分かりやすく直, 平易な, 改めて, 改めてください,
            です ます調, ですます, である調, 調に揃え, 統一して, 敬語で, 敬語を, タメ口に, 脱字, 句読点, 表記ゆれ,
            自然な日本語に, 清書
        ko: 맞춤법 좀, 줄여 써, 부드럽게, 고쳐줘, 풀어 써, 다시 써, 띄어쓰기, 다시 쓰, 다시 작성, 바꿔 써, 바꿔 쓰,
            바꿔써, 바꾸어 쓰, 고쳐, 교정, 첨삭, 맞춤법, 다듬어, 다른 말로, 다른 표현, 다르게 표현, 존댓말로, 반말로,
            문법 오류, 재작성, 바꿔줘, 바꿔 줘, 바꿔 주세요, 바꿔주세요, 문장으로 바꾸, 자연스럽게, 정중하게,
            패러프레이즈, 더 공손, 공손하게, 정중한, 딱딱하지 않게, 과거로 바꿔, 과거형으로, 현재형으로, 능동으로,
            수동으로, 장황해, 반으로 줄여, 줄여줄래, 짧게 줄여, 쉽게 풀어, 풀어 쓰되, 알게 풀어, 이해하게 고쳐,
            존대로, 존댓말, 반말, 통일해, 말투, 어투, 문체, 오타, 오탈자, 어색한, 매끄럽게, 자연스럽게 고쳐,
            다시 써줘, 다른 표현으로
        pt: reescrev*, reformul*, parafras*, corrij*, corrig*, erros gramaticais, erros de gramática, ortografia,
            mais formal, mais educado, revise o texto, melhore o texto, melhore este, melhore essa, melhore esse,
            melhora esse, melhora esta, melhora o texto, arruma o texto, arruma essa, arrume a, arruma a, ajeita,
            ajeite, deixa mais, deixe mais, deixa menos, deixe menos, mais claro, mais natural, mais profissional,
            mais curto, mais gentil, mais simpático, mais informal, menos formal, simplifique o, simplifique este,
            simplifica esse, refaz, refaça, revisa esse, revisa este, revise este, revise esse, escreve de novo,
            escreva de novo, escreva de outra forma, na voz passiva, para a voz passiva, muda o tom, mude o tom,
            encurte, suavize, suaviza, corrige pra mim, corrija, corrige o, corrige a ortografia, conserta a,
            conserte a, mais delicado, jeito mais, de outro jeito, de um jeito, deixar esse, deixar mais, deixe esse,
            tom mais, ajuste o tom, ajusta o tom, troque o, troca o, evitando a voz, põe vírgula, coloque vírgulas,
            pontuação, muito repetitivo, repetições, mais enxuto, para leitores de, para crianças, linguagem simples,
            linguagem acessível, passe para o plural, passe para o passado, no passado, para o passado,
            na terceira pessoa, melhora o, melhore o, melhora?, melhorar o texto, revisar, revise, reescrever,
            reescrita, resposta mais, sem gíria, sem gírias, erros de português
        id: tulis ulang, tulis kembali, parafras*, perbaiki kalimat, perbaiki tata bahasa, perbaiki ejaan,
            lebih sopan, lebih formal, ubah kalimat, tata bahasa, ejaan, sederhanakan kalimat, sederhanakan teks,
            ubah jadi, ubah menjadi, lebih santai, lebih halus, lebih ringkas, lebih jelas, lebih enak,
            lebih profesional, lebih ramah, rapikan, rapiin, koreksi, susun ulang, haluskan, perhalus, pendekkan,
            ganti gaya, kalimat pasif, kalimat aktif, ubah nada, tata ulang, benerin typo, benerin kalimat,
            benerin ejaan, betulin kalimat, dibikin lebih, bikin lebih, buat lebih, dibuat lebih, jadi lebih,
            lebih singkat, lebih baku, versi formal, versi formalnya, bahasa baku, bahasa gaul ke, ke kalimat aktif,
            ke kalimat pasif, dipersingkat, kalimatku, kalimat ini, kasih tanda baca, sederhanakan, disederhanakan,
            biar lebih, supaya lebih, sunting, disunting, menyunting, gabungkan dua, gabungkan, hapus yang berulang,
            tanpa pengulangan, ganti kata, ubah dari, kata lain, dengan kata lain, penulisan, perbaiki tulisan,
            perbaiki penulisan, salah ketik
        """,
    Task.CLASSIFICATION: """
        en: spam or not, is this a question or, which urgency, tag the, tag each, sort each, label every, assign the,
            entails, contradicts or neutral, pick the category, sarcastic, grade the, hateful, classif*, categori*,
            sentiment, positive or negative, negative or positive, positive negative or neutral, spam, which category,
            what category, following categories, label the, which topic, what topic, toxic or, is the tone,
            same meaning, choose the category, what genre, which genre, fact or opinion, opinion or fact, scam or,
            is it a scam, is this a scam, legit or, real or fake, good or bad review, happy or angry,
            which department, what department, which team should, route this to, how urgent, urgency of, priority of,
            priority high, on a scale, rate the sentiment, rate this from, rate each, sort these into, group these,
            group the following, bucket these, what tone, what mood, what genre is, which language is,
            what kind of text, hate speech or, what is the intent, sarcastic or
        vi: khen hay chê, rác hay không, xếp từng, gắn nhãn, gắn một nhãn, mức độ khẩn, mỉa mai, thuộc loại,
            phân loại, phân lớp, cảm xúc, tích cực hay tiêu cực, tích cực tiêu cực, tích cực hoặc tiêu cực,
            tiêu cực hay tích cực, sắc thái, thuộc loại nào, thuộc chủ đề, thuộc danh mục, thuộc lĩnh vực,
            thuộc thể loại, thuộc nhóm nào, chủ đề nào, thể loại nào, danh mục nào, gán nhãn, nhãn nào, thư rác,
            tin rác, hài lòng hay, cùng nghĩa, cùng ý nghĩa, tốt hay xấu, tích cực hay, chuyển cho bộ phận,
            bộ phận nào, phòng ban nào, phòng nào, sự thật hay ý kiến, sự thật hay, ý kiến cá nhân, lừa đảo hay,
            lừa đảo hay thật, lừa đảo không, thật hay giả, gán cho, xếp các, xếp vào, chia nhóm, chia thành nhóm,
            phân nhóm, thang điểm, chấm điểm, chấm từ 0, mức độ, mức độ ưu tiên, giọng điệu gì, cảm xúc gì,
            tâm trạng gì, thái độ gì, loại nào, khẩn cấp hay, mỉa mai hay, ngôn ngữ gì, tiếng gì, ý định của
        de: teile ein, dringlichkeit, ironisch oder, positiv oder, spam, in welches ressort, werbung oder,
            absicht bestimmen, klassifizier*, kategorisier*, einordn*, stimmung, sentiment, positiv oder negativ,
            welche kategorie, welcher kategorie, kategorien zu, ordne jede*, ordne diese, ordne den, zuordnen,
            dringend oder, wie dringend, beschwerde oder, lob oder, lob oder tadel, phishing oder, betrug oder,
            sarkastisch oder, welches thema, vergib ein label, etikettier*, sachlich oder, zu welcher gruppe,
            gut oder schlecht, an welche abteilung, welche abteilung, tatsache meinung, meinung oder, tatsache oder,
            bewerte die dringlichkeit, dringlichkeit von, auf einer skala, skala von, von 0 bis 0, echt oder fake,
            echt oder betrug, fake oder, teile die, teil die kommentare, ordne zu, ordne die, ordne folgende,
            welche textsorte, textsorte, welche gattung, welches genre, sortier die, sortiere die wörter,
            nach wortart, wortart, sport kultur, sarkastisch, ironisch, ernst gemeint, welche stimmung,
            welches gefühl, absicht des, anliegen, priorität hoch, hohe priorität, in gruppen, in kategorien
        fr: range chaque, arnaque ou, ironie ou, priorité basse, rubrique, implication, haineux, classifi*, classer,
            classez, catégoris*, sentiment, positif ou négatif, positive ou négative, quelle catégorie, trie ces,
            trie les, étiquette chaque, quel sentiment, quel thème, urgent ou, urgente ou, spam ou,
            plainte ou question, à quelle catégorie, dans quelle catégorie, attribue une, attribue un, indésirable ou,
            sarcastique ou, à quel service, avis positif, avis négatif, positif ou, négatif ou, vers quel service,
            quel service, orienter ce, arnaque, une arnaque, vrai courriel, spam ou non, niveau de langue,
            familier courant, note le niveau, note de 0 à, attribue à chaque, attribue une note, thème et,
            une polarité, polarité, quelle est l intention, intention du client, l intention, répartis ces,
            répartis les, range ces, diffamation, relève t il, genre musical, genre du, quel genre, quel type de,
            fait ou opinion, opinion ou, sport politique, dans quelle langue, quelle langue, ironique ou,
            urgent ou non, niveau d urgence, priorité haute
        es: estafa o no, ironía o, bueno o malo, urgencia, reparte los, implica, califica, odio, clasific*,
            categoriz*, sentimiento, positivo o negativo, positiva o negativa, qué categoría, siguientes categorías,
            ordena por categoría, a qué departamento, qué sentimiento, qué tema, urgente o, spam o, queja o consulta,
            asigna una, asigna un, agrupa los, agrupa las, de qué categoría, en qué categoría, sarcástico o,
            ponle etiqueta, a qué grupo, clasifica el, clasifícalo, es spam, spam o no, es fraude, fraude o, timo o,
            estafa o, irónico o sincero, di si el tono, el tono es, qué tono, qué emoción, hecho u opinión,
            opinión o hecho, del 0 al 0, qué tan satisfecho, satisfecho está, a qué categoría, categoría pertenece,
            pertenece cada, qué género, género de, tema de esta, tema de la, desfavorable, positiva o, etiqueta los,
            detecta el idioma, en qué idioma, prioridad alta, urgente o no, agrúpalos, tipo de queja, ofensivo o
        it: truffa o no, ironico o, positivo o, urgenza, smista, rubrica, valuta, classific*, categorizz*, sentimento,
            sentiment, positivo o negativo, positiva o negativa, quale categoria, seguenti categorie, etichetta ogni,
            assegna una, assegna un, raggruppa, che sentimento, urgente o, spam o, reclamo o domanda, quale reparto,
            a quale reparto, in che categoria, in quale categoria, sarcastico o, a che gruppo, recensione buona,
            buona o cattiva, negativa o, fatto o opinione, è un fatto, un opinione, a chi giro, a quale ufficio,
            quale ufficio, assistenza o, quanto è urgente, urgente da, da 0 a 0, grado di, livello di urgenza, truffa,
            una truffa, messaggio vero, assegna a, assegna a ciascun, etichette, che registro, registro usa,
            colloquiale o, dividi questi, dividi le, suddividi, genere del, genere di, che genere, lingua di ciascuna,
            in che lingua è, che lingua, sarcastico, tono di, che tono, intenzione del, tipo di reclamo
        zh: 好评还是, 是不是垃圾, 打标签, 归到哪, 紧急程度, 反讽, 判断蕴含, 意图分类, 分类, 分類, 归类, 歸類, 情感,
            情绪, 情緒, 正面还是负面, 积极还是消极, 正面或负面, 积极或消极, 正面還是負面, 好评还是差评, 属于哪,
            屬於哪, 属于以下, 属于下列, 哪一类, 哪一類, 哪类, 哪个类别, 什么类别, 标签, 標籤, 褒贬, 垃圾邮件,
            垃圾短信, 意思相同, 意思是否相同, 同一个意思, 打标, 算好还是坏, 好还是坏, 正面还是, 事实还是,
            是事实还是观点, 观点还是, 转给, 归哪个部门, 哪个部门, 打个1到, 评分, 优先级, 贴上, 贴标签, 哪种情绪,
            什么情绪, 什么语气, 真的还是假的, 骗子, 诈骗, 是不是诈骗, 是不是广告, 哪种语言, 什么语言, 什么体裁, 体裁,
            流派, 分成几类, 分组, 分门别类, 哪种类型, 属于什么
        ja: 迷惑メール, 振り分け, 緊急度, 皮肉, どのカテゴリ, 含意, 分類, 感情, ポジティブかネガティブ,
            ポジティブ ネガティブ, 肯定的か否定的, カテゴリーに, カテゴリに, ラベル, スパム, 同じ意味, 良い口コミ,
            悪い口コミ, 良いか悪いか, 好意的か, 事実ですか, 事実か意見, 意見ですか, どの窓口, 窓口に, どの部署,
            担当はどこ, 優先度, 段階で評価, で評価, いずれかを付け, いずれかに, どれに当たる, どれに該当, 種類は,
            ジャンルは, ジャンルを, 詐欺メール, スパムか, 何語, どんな感情, 口調は, 皮肉か, 仕分け, グループ分け,
            分けて
        ko: 스팸이야, 중에 뭐, 나눠줘, 급한 정도, 비꼬는, 판정, 분류, 감정, 감성, 긍정 부정, 긍정인지, 긍정적인지,
            긍정 또는, 긍정 혹은, 긍정이나, 긍정 중립, 부정인지, 카테고리, 어느 범주, 어떤 범주, 라벨, 레이블, 스팸,
            혐오, 같은 의미, 의미가 같은, 어떤 주제, 좋은 후기, 나쁜 후기, 좋은 평, 긍정적이야, 긍정이야, 사실일까,
            사실이야 의견, 의견일까, 사실인지 의견, 어디로 넘길, 어느 부서, 담당 부서, 부서로, 긴급도, 우선순위,
            점수를 매겨, 로 매겨, 1 5로, 하나를 붙이, 중 하나를, 사기 문자, 사기야, 진짜야, 스미싱, 비꼼, 어느 장르,
            장르가, 무슨 언어, 어느 나라 말, 감정은, 말투는 어떤, 분류해, 나눠 줘, 묶어줘
        pt: classifi*, categoriz*, sentimento, positivo ou negativo, positiva ou negativa, qual categoria, rotul*,
            spam, etiquete, etiqueta cada, qual sentimento, qual o sentimento, qual o tema, urgente ou, spam ou,
            golpe ou, elogio ou, reclamação ou elogio, atribua, agrupe, agrupa, separa por, separe por,
            em qual categoria, em que categoria, qual setor, qual departamento, se encaixa em, sarcástico ou,
            irônico ou, positivo negativo ou, é spam, esse comentário é, este comentário é, qual a emoção, que emoção,
            qual emoção, qual o tom, fato ou opinião, fato opinião ou, diga a qual, a qual área, qual área,
            encaminhar, encaminho, para qual setor, qual o gênero, gênero do, gênero da, marque cada,
            separe os produtos, por seção, por tipo, em grupos, escala de, de 0 a 0, é golpe, golpe isso, é fraude,
            fraude ou, verdadeiro ou golpe, discurso de ódio, sim não ou, ofensivo ou, tóxico, enquadre,
            tipo de reclamação, é ironia, irônico, qual idioma, que idioma, gravidade
        id: klasifikasi*, kategorikan, kelompokkan, sentimen, positif atau negatif, positif apa negatif,
            termasuk kategori, spam, golongkan, pilah, beri label, kasih label, kategori apa, masuk kategori,
            spam atau, mendesak atau, urgent atau, penipuan atau, keluhan atau pujian, pujian atau, kelompok mana,
            sarkas atau, positif negatif atau, netral atau, termasuk jenis, komentar positif, positif apa,
            negatif apa, positif negatif, masuk ke bagian, masuk bagian, bagian mana, divisi mana, fakta atau opini,
            fakta apa opini, opini atau fakta, tentukan apakah, kasih skor, beri skor, skor kegawatan,
            tingkat urgensi, skala 0, penipuan bukan, penipuan apa, hoax atau, hoaks atau, tentukan aspek,
            sentimennya, dikelompokkan, nada email, marah atau, marah kecewa, bahasa daerah apa, bahasa apa ini,
            bahasa apa, genre, jenis teks, jenis kalimat, termasuk apa, termasuk golongan, kategorinya, labelnya,
            ini spam, spam bukan, emosi apa, prioritas tinggi, mendesak apa
        """,
    Task.CODING: """
        en: unit tests for, write unit tests, bash script, add type hints, dockerfile, design the schema, lru cache,
            write a function, write a program, write a script, write a query, write code, write a code, write a regex,
            write a class, a function to, write a method, implement a function, implement a class,
            implement an algorithm, write an algorithm, debug*, refactor*, my script, my function, my query,
            throws an error, throws a, i get an error, i m getting an error, getting this error, error when,
            doesn t compile, won t compile, unit test for, test cases for, a script that, a script to, a bash,
            a python script, a query that, a query to, a regex for, regex that, one liner to, convert this function,
            convert this code, port this, optimize this query, optimise this query, undo last commit, undo a commit,
            race condition, memory leak
        vi: viết hàm, viết một hàm, viết chương trình, viết một chương trình, viết mã, viết code, viết đoạn code,
            viết đoạn mã, viết script, viết truy vấn, viết câu lệnh, gỡ lỗi, cài đặt hàm, triển khai hàm,
            viết câu sql, câu sql, viết test, viết unit test, code của mình, code của em, đoạn go, đoạn java,
            đoạn python, báo lỗi, lỗi gì, sửa bug, fix bug, vòng lặp, chuyển vòng lặp, lệnh xem, lệnh để, câu lệnh,
            thiết kế lớp, tối ưu truy vấn, đa luồng, biên dịch, giả mã
        de: funktion schreib*, schreib eine funktion, schreibe eine funktion, schreibe ein programm,
            schreib ein programm, schreib ein skript, schreibe ein skript, sql abfrage, unit test*, refaktorier*,
            debugge, implementiere eine, implementiere einen, programmiere, schreib mir bitte eine sql, eine abfrage,
            mein skript, mein code, mein programm, bricht ab, stürzt ab, wirft einen fehler, mach aus der klasse,
            eine klasse, threadsicher*, regex für, brauche regex, regulären ausdruck, git commit, finde den deadlock,
            deadlock, refaktoriere, schreib tests, schreibe tests, kommandozeile, konsole
        fr: une fonction qui, une fonction pour, une fonction python, écris une fonction, écris un script,
            écris un programme, écrivez une fonction, requête sql, test unitaire, tests unitaires, refactoris*,
            implémente une, implémente un, corrige ce code, écris moi une macro, une macro excel, un script qui,
            un script pour, une requête qui, cette requête, cette fonction, ce code python, mon code, j ai une erreur,
            une erreur, commande pour, conçois un algorithme, conçois une, refactorise, une regex, typer cette,
            en pseudo code, débogue, corrige le bug
        es: una función que, una función para, una función en, escribe una función, escribe un script,
            escribe un programa, consulta sql, prueba unitaria, pruebas unitarias, refactoriz*, implementa una,
            implementa un, corrige el código, corrige este código, escríbeme un script, un script que, un script para,
            una consulta que, una query, pasa este for, pasa este bucle, refactoriza, qué índice, me da error,
            me sale error, tengo este error, da error, mi código, este middleware, diseña una clase, diseña una cola,
            una expresión regular, expresión regular para, con sus pruebas, con tests, en pseudocódigo
        it: una funzione che, una funzione per, scrivi una funzione, scrivi uno script, scrivi un programma,
            query sql, test unitari, rifattorizza, implementa una, implementa un, correggi il codice, codice che,
            mi serve una query, una query che, uno script che, uno script per, fammi uno script, fammi una funzione,
            riscrivi questa funzione, riscrivi questa promise, il mio codice, mio ciclo, ciclo infinito,
            il mio script, mi dà errore, dà errore, comando git, comando per, progetta un, progetta una classe,
            questo parser, ambiente virtuale, in pseudocodice
        zh: 编写函数, 编写一个函数, 写一个函数, 寫一個函數, 写函数, 写一个程序, 编写程序, 编写一个程序, 写个程序,
            调试, 写脚本, 编写脚本, 写一个脚本, 写一条sql, 写sql, 实现一个, 求一条sql, 写条sql, 写个sql, 一条sql,
            运行报错, 这段代码, 下面代码, 这个循环, 列表推导, 写单元测试, 单元测试, 写出测试, 写个函数, 写个脚本,
            写个爬虫, git怎么, 撤销上一次提交, 提交记录, 命令行, 怎么部署, 重构, 优化这段代码, 伪代码, 编译不过
        ja: 関数を書, 関数を作, 関数を実装, 実装, デバッグ, が出ます, エラーが, エラーに, 例外が, sqlが, sqlを,
            クエリを, このfor, 次のコード, リスト内包, テストも書, テストを書, 単体テスト, 実装して, リファクタ,
            取り消すには, コミットを, ブランチ, コマンドは, コマンドを, 擬似コード
        ko: 프로그램을 작성, 프로그램을 짜, 프로그램을 만들, 함수를 작성, 함수를 구현, 함수를 만들, 함수를 짜,
            함수 작성, 디버그, 디버깅, 쿼리 부탁, 쿼리 짜, 쿼리를, 함수 짜, 코드 짜, 코드를, 아래 코드, 이 코드,
            이 콜백, 에러가, 오류가 나, 이 나요, 어떻게 고쳐요, 단위 테스트, 테스트까지, 테스트 코드, 리팩터링, 커밋,
            브랜치, 리눅스에서, 구현해, 의사코드
        pt: escreva uma função, uma função em, uma função que, escreva um programa, escreva um script, depure,
            escreve uma função, crie uma função, cria uma função, faz uma função, faça uma função, faz um script,
            faça um script, crie um script, cria um script, consulta sql, query sql, teste unitário, testes unitários,
            refator*, implemente uma, implemente um, corrija o código, corrige o código, código que, escreva testes,
            escreve testes, me faz um script, um script que, um script para, consulta que traga, uma consulta que,
            uma query que, converte essa função, converta essa função, converta este código, refatore,
            otimize a consulta, otimize esta query, meu código, esse código, o erro, dá erro, dá o erro, retorna erro,
            no laço, tem como centralizar, centralizar uma div, em pseudocódigo
        id: tulis fungsi, buat fungsi, buat program, tulis program, buatkan skrip, tulis kode, perbaiki kode,
            bikin fungsi, buatkan fungsi, bikin script, buat script, buat skrip, buat query, query sql, unit test,
            refaktor*, implementasikan, bikin program, buat kode, bikin kode, buatkan kode, kode python,
            kode javascript, buatin query, bikinin query, bikinin script, buatin script, buatkan script, bikinin bot,
            buatin bot, bikin bot, buatin fungsi, buatin kode, ubah loop, ubah kode, kode saya, kodeku, program saya,
            script saya, errornya, kenapa error, gimana benerinnya, kebocoran memori, perulangan, rancang sistem,
            buat unit test, regex buat, regex untuk, commit terakhir
        """,
    Task.MATH: """
        en: prove that, show that, solve, solve for, solve the equation, solve the inequality, calculate the,
            compute the, what is 0, evaluate the expression, simplify the expression, find the value of,
            solve the following equation, times 0, divided by 0, what s 0, work out the, work out how, how many ways,
            by induction, half of 0, a third of, round to, convert 0, in square meters, per cent of 0, percent of 0,
            average of 0
        vi: giải toán, tìm x, tính 0, tính giá trị, tính tổng, chứng minh rằng, rút gọn biểu thức, ^ tính, hãy tính,
            giải phương trình, giải bất phương trình, giải hệ, tính diện tích, tính thể tích, tính chu vi,
            tính xác suất, tính đạo hàm, tính tích phân, tính quãng đường, tính vận tốc, bằng mấy, bằng bao nhiêu,
            giải giúp, chứng minh, chứng minh với mọi, quy nạp, bằng quy nạp, tính giúp, được bao nhiêu, nhân 0,
            chia 0, cộng 0, trừ 0, nửa của, một phần ba, xác suất để, có bao nhiêu cách, bao nhiêu cách, đổi 0,
            làm tròn, phần trăm của, lãi 0
        de: beweise*, zeige dass, zeig dass, berechn*, löse die, löse das, lösen sie, rechne aus, rechne, ausrechnen,
            wie viel ist 0, wieviel ist 0, was ergibt, was ist 0, beweis dass, leite ab, löse nach, bestimme die,
            bestimme den, bestimme alle, bestimmen sie, prozent von 0, wie viel ergibt, wie teuer war, wie teuer ist,
            wie hoch ist die, wie wahrscheinlich ist, löse, beweise dass, per induktion, vollständige induktion,
            erste ableitung, zweite ableitung, ableitung von, geteilt durch 0, mal 0, plus 0, minus 0, die hälfte von,
            ein drittel von, wann ist es leer, umrechnen, rechne um, runde auf, durchschnitt von, monatsrate
        fr: démontr*, montrez que, montrer que, calculez, calculer, résous, résolvez, résoudre, combien font,
            combien fait 0, détermine la, détermine le, détermine les, trouve x, trouvez x, dérivez, quel pourcentage,
            combien fait, combien vaudra, combien coûte, montre que, montre que toute, montrons,
            étudie la convergence, étudie la fonction, calcule la surface, calcule sa valeur, calcule le, calcule la,
            probabilité d, moyenne de, avec coefficients, combien de façons, combien de mots, convertis 0, arrondis,
            la moitié de, le tiers de, le quart de, factorise, par récurrence
        es: demuestra*, demostrar, prueba que, calcula, calcular, calcule, resuelve, resuelva, cuánto es 0,
            cuánto son 0, cuánto da, halla, hallar, determina el, determina la, determina los, encuentra x,
            encuentra el valor, qué porcentaje, cuánto es el, cuánto sale, cuánto queda, cuánto cuesta,
            resuelve el sistema, resuélveme, demuestra que, por inducción, la probabilidad de, halla los, convierte 0,
            cuántos litros, cuántos metros, cuál es el descuento, a qué hora lo alcanza, redondea, la mitad de,
            el doble de, un tercio de, factoriza
        it: dimostra*, calcol*, risolvi, risolvere, quanto fa, quanto fanno, determina il, determina la, determina i,
            trova x, trova il valore, che percentuale, prova che, mostra che, quanto viene, quanto costa,
            quanto ho guadagnato, risolvi la, risolvi il, dimostra che, per induzione, studia la funzione,
            trova l area, trova il perimetro, la probabilità di, in quanti modi, media ponderata, media di,
            converti 0, arrotonda, la metà di, il doppio di, un terzo di, un quarto di, al quadrato, radice di,
            scomponi
        zh: 计算, 計算, 求解, 求值, 證明, 证明, 等于多少, 等於多少, 求出, 解方程, 求证, 求證, 乘以, 除以, 加上, 减去,
            解一下, 打八折, 打折, 原价, 的概率, 点数和, 的平方, 的立方, 多少种, 有几种, 平均值, 换算, 四舍五入,
            的一半, 三分之
        ja: 計算, 求めよ, 求めなさい, 求めて, 証明せよ, 証明して, 解きなさい, 解け, かける0, の半分, 定価は, を解いて,
            解いて, 示せ, を示せ, であることを示, 証明, の倍数, を求め, 何通り, 何割, 割引, の2割, 平均は, 換算,
            四捨五入
        ko: 계산, 구하시오, 구하세요, 구하라, 구하여라, 구해, 풀어라, 푸시오, 풀어 보세요, 곱하기, 더하기, 빼기,
            나누기, 풀어줘, 풀어 줘, 보여라, 임을 보여, 증명하, 증명해, 정가는, 할인한, 배수임을, 몇 가지 경우,
            경우의 수, 평균은, 환산, 반올림, 의 절반
        pt: calcule, calcular, resolva a equação, resolva, demonstre que, prove que, quanto é 0, quanto são 0,
            quanto dá 0, quanto fica, ache o valor, ache x, encontre o valor, encontre x, fatore, determine o,
            determine a, determine os, mostre que, demonstre, qual a porcentagem, quantos por cento, calcula,
            resolve a equação, resolve a conta, faz a conta, faça a conta, multiplique, divida 0, quanto dá,
            quantos dá, quanto vai dar, resolve pra mim, mostre por indução, por indução, provar que,
            qual vai ser o montante, qual o montante, qual a derivada, qual a integral, calcule o volume, passa 0,
            converta 0, converte 0, a derivada de, a probabilidade de, quantos litros, quanto gasto, quanto sobra,
            quanto custa, arredonde, média ponderada, metade de, o dobro de, um terço de, vezes 0
        id: hitung*, buktikan, tentukan nilai, selesaikan persamaan, cari nilai, berapa hasil, hasil dari 0,
            tentukan x, tentukan semua, tentukan luas, tentukan himpunan, selesaikan, faktorkan, tunjukkan bahwa,
            berapa persen, cari x, carilah nilai, berapa 0, berapakah, himpunan penyelesaian, buktikan bahwa,
            hitunglah, peluang terambil, peluang muncul, akar dari, konversi 0, konversikan, ubah 0,
            cicilannya berapa, rata rata nilai, rata rata dari, berapa lama sampai, persen dari, setengah dari,
            sepertiga, dikali 0, dibagi 0, ditambah 0, induksi matematika, turunan dari, integral dari
        """,
    Task.CREATIVE: """
        en: caption for, name for a, a joke, birthday wish, speech for, sonnet, dialogue between, bedtime story,
            a rhyme, toast for, write a story, write a poem, write an essay, write a short story, short story, poem,
            haiku, limerick, song lyrics, blog post, act as, role play, roleplay, pretend, imagine, picture yourself,
            you are now a, you are now an, embrace the role, assume the role, play the role, take on the role,
            brainstorm*, come up with, slogan, tagline, once upon a time, screenplay, love letter, cover letter,
            wedding speech, continue the story, compose a, compose an, draft a, draft an, creative, funny joke,
            tell me a joke, tell me a story, sentence using, sentence with, story about, poem about, write an email,
            write a letter, write a blog, write a speech, names for, name ideas, ideas for a, a name for,
            names for my, name my, nickname for, instagram caption, you are a grumpy, act like, pretend you,
            pretend to be, write me a, write a toast, a toast for, birthday message, birthday card, love poem,
            a poem about, poem for, a rhyme for, a limerick, a haiku, tongue twister, short story about,
            bedtime story for, continue this story, a dialogue, a monologue, a speech, speech for my, wedding toast,
            ad copy, product name, band name, invitation for, an invitation, ideas for my, give me ideas
        vi: đặt tên, chuyện cười, chúc, câu khẩu hiệu, làm bài thơ, đoạn mở đầu, bài thơ, làm thơ, thơ lục bát, thơ,
            sáng tác, truyện ngắn, kể chuyện, kể một câu chuyện, một câu chuyện, viết truyện, viết bài văn,
            viết bài luận, bài luận, bài văn, viết thư, viết email, viết một email, viết một bức thư, bức thư,
            kịch bản, lời bài hát, đóng vai, nhập vai, tưởng tượng, giả sử bạn là, khẩu hiệu, slogan, bài quảng cáo,
            viết quảng cáo, bài phát biểu, bài diễn văn, viết tiếp, đặt câu với, đặt một câu, viết câu, viết một câu,
            bài blog, viết blog, sáng tạo, ý tưởng cho, truyện cười, soạn thảo, soạn một, viết lời chúc, lời chúc,
            bây giờ bạn là, từ giờ bạn là, cái tên cho, đặt biệt danh, biệt danh, đặt tên cho, nghĩ tên, gợi ý tên,
            viết caption, viết status, viết stt, bạn là một ông, bạn là ông, bạn là bà, hãy vào vai, giả làm,
            làm giúp thơ, câu thơ, bài vè, câu đối, soạn lời chúc, thiệp chúc, thiệp mời, thư mời, thư tình,
            tiểu phẩm, lời thoại, ý tưởng, nghĩ giúp vài, viết đoạn văn, chế lời
        de: ein gedicht, sonett, dialog, rede für, witz, spruch, sprüche, romananfang, name für, gedicht*,
            kurzgeschichte*, eine geschichte, aufsatz, verfass*, entwirf, entwerf*, rolle, stell dir vor,
            stellen sie sich vor, versetz*, slogan*, schlagzeile*, fiktiv*, kreativ*, angenommen sie sind, tun sie so,
            blogbeitrag, blog beitrag, blogartikel, erfinde, dichte, reime, liebesbrief, märchen, fabel, werbetext,
            werbespruch, glückwunsch*, geburtstagsgruß, geburtstagskarte, einladungstext, liedtext, namensvorschläge,
            namensideen, namen für, trinkspruch, tagebucheintrag, drehbuch, motto für, abschiedsrede, schreib eine,
            schreib einen brief, schreib mir eine geschichte, büttenrede, du bist ein, du bist eine, du bist jetzt,
            spiel die rolle, lustigen spruch, ein spruch, spruch für, eine kurzgeschichte, instagram text,
            instagram post, text für die karte, reim auf, ein reim, denk dir, denk dir ein, ausdenken, verfasse eine,
            verfasse ein, ballade, strophen, zwei strophen, entschuldigungsbrief, brief an, liebesgedicht,
            gedicht über, rede zum, rede zur, toast auf, einladung, einladungskarte, name für unser, ideen für,
            ein paar ideen, slogan für, dialog zwischen, monolog, erfinde ein, erfinde eine, erzähl eine,
            erzähl mir eine, gutenachtgeschichte, zungenbrecher, fortsetzung
        fr: sonnet, dialogue, blague, un nom de, discours, poème, polar, poème*, une histoire, nouvelle courte,
            rédig*, composez, le rôle d*, le rôle de, faites vous passer, faites comme si, slogan*, créati*, fictive,
            fictif, courriel, imaginez, imagine que, raconte*, invente, inventez, un conte, une fable, une chanson,
            paroles de, un toast, lettre d amour, une accroche, légende pour, un scénario, un monologue, vœux pour,
            joyeux anniversaire, carte d anniversaire, idées de noms, noms pour, une comptine, haïku, en vers,
            en rimes, une devise, invente un, invente une, écris un mot, un mot d excuse, mot d excuse,
            écris une lettre, écris un poème, une lettre de, joue le rôle, fais comme si, tu es une,
            annonce originale, une annonce, poème en, en alexandrins, imagine le, imagine un, imagine une,
            journal intime, une blague, propose trois noms, propose des noms, trois noms, trouve un nom, idée de nom,
            des idées, des idées de, raconte la même, raconte une, raconte moi une, toast pour, discours pour,
            discours de mariage, surnom, un surnom, une saynète, saynète, une nouvelle de, un conte pour, un rap,
            quatrain, acrostiche, invitation, carte de vœux, suite de l histoire
        es: soneto, diálogo, lemas, un chiste, nombre para, discurso, novela, poema*, una historia, un cuento,
            redact*, el papel de, actúa como, actúe como, haz de, finge, hazte pasar, eslogan, chiste, ficción,
            ficticio, correo electrónico, imagina, imagine que, imagínate, creativo, creativa, cuéntame, inventa,
            una fábula, una canción, letra de, un brindis, carta de amor, un guion, un monólogo, una felicitación,
            feliz cumpleaños, ideas de nombres, nombres para, una copla, una nana, pie de foto, microrrelato,
            en verso, que rime, un eslogan, un lema, invéntate, inventa un, inventa una, invéntame, escribe una carta,
            escribe un cuento, escribe un poema, escribe la misma escena, escribe una escena, un texto para,
            texto para, necesito un texto, quiero un cuento, cuento corto, cuento para, ahora eres, eres una,
            compón un, dame cinco nombres, dame nombres, dame ideas, ideas de post, ideas para, un piropo, piropo,
            verso, versos, copla, chirigota, un discurso, discurso para, brindis, invitación, una invitación, guion,
            monólogo, continúa la historia, felicitación, haz una rima, trabalenguas, eslóganes
        it: sonetto, dialogo, motti, barzelletta, nome per, incipit, discorso, poesia, una storia, un racconto,
            redig*, immagin*, il ruolo di, agisci come, fingi, fingere, slogan, comportati, e mail, immagina,
            immaginate, creativo, creativa, interpreta il ruolo, raccontami, inventa, una favola, una filastrocca,
            una canzone, testo di una canzone, un brindisi, lettera d amore, una sceneggiatura, un monologo,
            auguri per, buon compleanno, idee per il nome, nomi per, in rima, didascalia, c era una volta, fiaba,
            un motto, scrivi un bigliettino, scrivi un biglietto, biglietto di auguri, auguri, scrivi una poesia,
            scrivi una lettera, scrivi un racconto, sei una, fai finta, dammi qualche idea, dammi idee, idee per,
            qualche idea, racconto di, racconto in, racconto breve, leggenda, filastrocca, testo per, testo per il,
            volantino, scrivi un monologo, slogan per, nome buffo, nome per un, nomignolo, soprannome, una battuta,
            dialogo tra, discorso per, brindisi, invito, un invito, continua la storia, sceneggiatura, ninna nanna,
            canzone, scioglilingua
        zh: 起个名, 来个笑话, 祝福, 广告语, 对话, 填一首词, 小说开头, 起名, 写一篇, 寫一篇, 写一首, 寫一首, 写首,
            写个故事, 写一个故事, 寫一個故事, 写一封, 寫一封, 写一段, 寫一段, 写封, 写篇, 编一个, 编个, 编写一个故事,
            讲个故事, 讲一个故事, 故事, 作文, 小说, 小說, 散文, 诗歌, 首诗, 首詩, 创作, 創作, 扮演, 假如你是,
            如果你是, 假设你是, 假装, 假裝, 想象, 想像你, 廣告, 文案, 口号, 口號, 标语, 歌词, 歌詞, 剧本, 劇本, 续写,
            續寫, 演讲稿, 演講稿, 造句, 笑话, 笑話, 对联, 情书, 你现在是, 起个名字, 取个名字, 取名, 撰写, 撰寫,
            头脑风暴, 博客, 用以下词, 造一个句子, 造一句, 想个外号, 起外号, 起个外号, 想个名字, 想几个名字, 取个名,
            写两句, 送别的话, 祝福语, 从现在起你是, 现在你是, 你来扮演, 宣传语, 广告词, 朋友圈, 写个段子, 段子,
            写小说, 写首诗, 作诗, 打油诗, 藏头诗, 台词, 致辞, 邀请函, 贺词, 写封信, 书信体, 编一段, 点子, 说书, 相声
        ja: 名前考えて, ダジャレ, メッセージ, 冒頭, 対話, なりきって, スローガン, 物語, 詩を, 詩を書, 小説, 作文,
            エッセイ, 俳句, 短歌, 川柳, 歌詞, 役を演じ, 役割を演じ, になりきって, のふりをし, 想像して,
            キャッチコピー, ブログ, メールを, 手紙, 創作, ストーリー, アイデアを, ジョーク, 文を作, スピーチ, 脚本を,
            の名前、かわいい, 名前を考え, 名前つけて, 名前を付け, あだ名, ニックネーム, 寄せ書き, 一言メッセージ,
            君は今から, になりきり, 宣伝文, 宣伝文句, コピーを, 紹介文, 掌編, 短編, 小話, 物語を, 小説を, 五七五,
            作詞, 台本, セリフ, 招待状, 案内状を作, 挨拶文, 手紙を書, 書いてみて, ネタを, アイデア, 案出し, 二案,
            三案, 続きを
        ko: 이름 지어, 농담, 축하, 대화, 첫 문단, 슬로건, 시조, 소설, 시를 써, 시를 지어, 시를 작성, 시 한 편,
            이야기를 써, 이야기를 지어, 이야기를 만들, 이야기를 작성, 이야기 하나, 동화, 수필, 에세이, 편지, 이메일,
            광고 문구, 가사를, 대본, 역할극, 역할을, 상상해, 상상하, 창작, 지어줘, 지어 줘, 블로그, 이어서 써,
            이어 써, 글을 써, 글을 작성, 연설문, 인 척, 문장을 만들, 문장 만들, 짧은 글, 창의, 아이디어를, 가정해,
            너는 이제, 당신은 이제, 지금부터 너는, 지금부터 당신은, 이름을 지어, 이름 하나, 이름 좀 지어, 별명,
            별명 지어, 문구, 문구 두 개, 홍보 문구, 롤링페이퍼, 축하 메시지, 축하 문구, 넌 지금부터, 넌 이제,
            지금부터 넌, 주인이야, 인 척해, 소설을 써, 소설 써, 단편, 시 써줘, 시 지어, 삼행시, 이행시, 사행시,
            노래 가사, 가사 써, 대사, 축사, 초대장, 청첩장, 편지 써, 편지로만, 이야기 지어, 이야기 만들어, 동화 써,
            아이디어 좀, 캐치프레이즈, 카피
        pt: um poema, uma história, um conto, redija, atue como, finja, slogan*, piada, imagine, invente, crônica,
            escreva uma carta, escreva um email, poema, poesia, uma fábula, uma música, letra de música, uma canção,
            um brinde, carta de amor, um roteiro, um monólogo, mensagem de aniversário, feliz aniversário,
            parabéns para, nomes para, nome para, nomes de, sugestões de nome, ideias de nome, que rime, haicai,
            legenda para, legenda pra, era uma vez, historinha, um discurso, uma fala, uma carta de,
            crie uma história, conte uma história, conta uma história, me conta uma, faz um poema, inventa,
            crie um slogan, bordão, ideia de nome, me dá uma ideia, me dá ideias, ideias para, ideias de post,
            textinho, texto de aniversário, legenda pro, legenda do, você agora é, agora você é, você é um velho,
            faz de conta, finge que, finja que, invente um, inventa um, inventa uma, bola um, bolar, crie um,
            crie uma, cria um, cria uma, escreva um poema, escreva um soneto, redigir, redija um, redigir e mail,
            e mail convidando, convite, trava língua, continue a narrativa, continue a história, continua a história,
            monta um diálogo, diálogo entre, um diálogo, três slogans, parlenda, cordel, rima, letra de samba,
            paródia, discurso de, bilhete de, carta de, carta para
        id: puisi, pantun, cerpen, cerita pendek, karang*, dongeng, berperan*, bayangkan, slogan, lelucon,
            buatkan cerita, tulis surat, tulis email, naskah, sajak, syair, lirik, lirik lagu, ucapan selamat,
            ucapan ulang tahun, surat cinta, ide nama, nama untuk, nama buat, kasih nama, fabel, gombal*, pidato,
            teks undangan, pada suatu hari, cerita tentang, cerita lucu, jadi bajak, pura pura, karangan, rayuan,
            kasih nama lucu, nama lucu, nama brand, tulis caption, bikin caption, buatin caption, caption,
            caption instagram, ceritanya kamu, kamu jadi, kamu adalah, anggap kamu, buatin kata kata, kata kata buat,
            kata kata untuk, kartu ucapan, ucapan, bikin cerpen, bikin pantun, pantun jenaka, tuliskan pidato,
            tulis pidato, gubah puisi, gubah, puisi akrostik, bikin puisi, bikin cerita, bikin dongeng,
            lanjutin ceritanya, lanjutin cerita, lanjutkan ceritanya, karang cerita, ide konten, ide untuk,
            ide caption, kasih ide, surat untuk, dialog antara, drama pendek, naskah drama, plesetan
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
        de: dasselbe, welche sprache, kategorie*, welche stilepoche, stilepoche, jeder mail eine priorität,
            aus der prämisse folgt
        fr: étiquette, plainte ou, catégorie*, quel style, publicité ou
        es: etiqueta, queja o, categoría*, de qué estilo, qué estilo, ponle prioridad, publicidad o
        it: etichetta, reclamo o, categoria, categorie, che stile, pubblicità o
        zh: 意思一样, 投诉还是, 打分, 类别, 類別, 意图, 仇恨言论, 侮辱, 恶意
        ja: 苦情, 採点, 同じ意味, カテゴリ, ヘイト, 誹謗中傷
        ko: 같은 뜻, 불만이, 매기, 범주, 의도, 악성, 욕설, 중 하나로, 중에서 고르, 중에서 선택
        pt: rótulo, reclamação ou, dê nota, categoria, categorias, qual o estilo, dê prioridade, propaganda ou
        id: label, keluhan atau, tingkat darurat, kategori, gaya arsitektur, beri prioritas, iklan atau
        """,
    Task.CODING: """
        en: linux command, terminal command, make this function, shell, powershell, dockerfile, async, const, npm,
            rust, postgres, sql, js, lock free, heap, kubectl, cron, function that, function to, python, javascript,
            typescript, java, c ++, golang, css, regex, regular expression, source code, code snippet, codebase,
            stack trace, traceback, unit test, unit tests, pull request, compile error, time complexity, linked list,
            binary tree, this code, the code, following code, my code, pandas, numpy, django, react, docker,
            kubernetes, api endpoint, dataframe, bash, shell script, syntax error, stored procedure, git, html,
            c program, pseudocode, pseudo code, useeffect, github, gitlab, rebase, docker compose, nginx, redis,
            mongodb, mysql, postgresql, sqlite, mariadb, flask, fastapi, node js, nodejs, angular, svelte, next js,
            nextjs, tailwind, flexbox, webpack, kotlin, c sharp, dotnet, haskell, php, matlab, vba, excel macro,
            ubuntu, terraform, kafka, graphql, rest api, json parse, oauth, jwt, cors, localhost, usestate, setstate,
            async await, callback, middleware, mutex, semaphore, goroutine, nullpointerexception, indexerror,
            keyerror, typeerror, valueerror, segfault, stack overflow, venv, pip install, npm install, vim, crontab,
            ssh, csv file, dataclass, list comprehension, pytest, junit, unittest, primary key, foreign key,
            left join, inner join, group by, sql server
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
            algoritmo*, código fuente, este código, el código, expresión regular, depur*, mensaje de error,
            no compila, bucle, clase en, base de datos, pseudocódigo, ficheros ocultos, archivos ocultos,
            en la terminal
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
            brain teaser, can we conclude, can be inferred, is taller than, is older than, is faster than,
            who is the oldest, who came last, who finished, if all, none of the, doesn t fit, odd one,
            which one doesn t belong, should i take, should i buy, help me decide, help me think, pros and cons,
            worth it, is it worth, what would you check, what would you suspect, most likely explanation,
            alternative explanations, how is that possible, who is guilty, who stole, only one of them, two doors,
            two guards, river crossing, cross the river, what comes next, next in line
        vi: cân nhắc, suy nghĩ từng bước, ai thấp nhất, kết luận gì, suy luận, suy ra, logic, lập luận, câu đố,
            đố bạn, đố vui, nói dối, nói thật, kết luận nào, tiền đề, mệnh đề, từng bước, hợp lý nhất, hợp lí nhất,
            quy luật, qui luật, số tiếp theo, tiếp theo trong dãy, bên trái, bên phải, xếp theo thứ tự,
            nguyên nhân là gì, nguyên nhân nào, kết quả là gì, giả thuyết, mâu thuẫn, hàm ý, đúng sai hoặc,
            đúng sai hay, đúng hay sai, dẫn đến điều gì, nhanh hơn, nặng hơn, ai nhỏ nhất, ai lớn nhất, ai cao nhất,
            ai nhanh nhất, mọi con, tất cả các con, có phải là, kiểm tra chỗ nào, nên kiểm tra, vì sao nghĩ vậy,
            phân tích giúp, nên chọn, nên mua, nên hay không, có nên, lợi hại, ưu nhược, được mất, cân nhắc giúp,
            tìm mọi cách xếp, mọi cách xếp, lập luận từng, từ nào khác loại, khác loại, khác nhóm, không cùng nhóm,
            ai nói dối, ai nói thật, ai lấy, ai làm vỡ, ba chiếc hộp, qua sông, qua cầu, giải thích khả dĩ,
            cách giải thích khác, chuyện gì xảy ra nếu, theo bạn
        de: abwäg*, schritt für schritt, was folgt, am jüngsten, am ältesten, wer ist am, logisch*, rätsel, prämisse*,
            schlussfolger*, begründung, gehört nicht, lügt, aussagen, sagt die wahrheit, wer lügt, folgt daraus,
            kann man daraus, muss stimmen, mögliche ursachen, wahrscheinlichste ursache, woran liegt, woran kann,
            pro und contra, vor und nachteile, lohnt sich, was spricht für, widerspruch, denkfehler, trugschluss,
            nächste zahl, welche zahl folgt, in welcher reihenfolge, wer von, wer kam, als letzter, als letzte,
            woran könnte, ist älter als, ist größer als, ist jünger als, schneller als, wer ist die jüngste,
            wer ist der älteste, wer ist die, wer ist der größte, alle a sind, kein b, können sich überschneiden,
            was kommt als ursache, als ursache, was prüfst, prüfst du zuerst, leite es, was kommt danach,
            was kommt als nächstes, wie geht es weiter, denk das mal, mit mir durch, sollte ich, lohnt es sich,
            was passt nicht, passt nicht, welche erklärungen, erklärungen gibt es, zwei türen, zwei wächter, wächter,
            einer lügt, lügt immer, mit welcher frage, heißt das er lügt, heisst das, wer trinkt, wer war es,
            wer wohnt, schließen, abwägen, was würdest du, hilf mir bei der entscheidung, plausibel, setze fort,
            setz fort, wem gehört, wie beschriftest, falsch beschriftet, zeig jeden schluss
        fr: pesez, qu en conclure, le plus petit, le plus grand, logique*, énigme*, prémisse*, déduire, déduis*,
            étape par étape, affirmation*, raisonnement, dit la vérité, n appartient pas, qui ment, peut on conclure,
            peut on en, s ensuit il, causes possibles, cause probable, la plus probable, avantages et inconvénients,
            pour et contre, vaut il mieux, contradiction, sophisme, la faille, dans quel ordre, suite logique,
            nombre suivant, devinette, l intrus, pèse le pour, est devant, est derrière, plus grand que,
            plus petite que, plus âgé que, qui est au milieu, qui est le plus, que peut on dire, que peut on en,
            quelle piste, explorerais, j hésite, aide moi à, aide moi à peser, peser ça, peser le, est ce que ça vaut,
            complète la suite, la suite logique, cherche l intrus, trouve l intrus, comment est ce possible,
            est ce possible, quelle explication, explication est, la plus plausible, trois boîtes, étiquetées,
            trouve le contenu, prouve que deux, qui a volé, qui a cassé, dit vrai, ment toujours, mens toujours,
            tous les chats, aucun des, que se passerait il, hypothèses, conclure, à qui appartient, mal étiquetées,
            devrait on, devrais je, chaque déduction
        es: pondere, qué se deduce, descarta, la menor, el mayor, lógic*, acertijo*, premisa*, paso a paso,
            afirmacion*, razonamiento, no pertenece, miente, dice la verdad, deduce, deducir, quién miente,
            se puede concluir, se sigue que, podemos concluir, causas posibles, posibles causas, causa más probable,
            pros y contras, ventajas y, qué conviene, me conviene, contradicción, falacia, en qué orden,
            siguiente número, qué número sigue, adivinanza, razona, el intruso, quién llegó, llegó último,
            llegó primero, a qué se debe, a qué puede deberse, qué será, es más alto que, más alta que, mayor que,
            menor que, cuántos tíos, puede haber, por dónde empezarías, por dónde empiezo, ayúdame a decidir,
            ayúdame a pensar, qué harías, merece la pena, vale la pena, cuál sobra, qué sobra, qué sigue,
            qué ha podido pasar, qué pudo pasar, explicaciones alternativas, qué explicación, quién rompió,
            quién robó, quién fue, solo uno dice, cómo cruzan, cómo cruzar, un barquero, demuestra que es único,
            razonando, hipótesis, sospecharías, deduzco, se deduce, qué pasaría si, tiene sentido, es coherente,
            continúa la serie, de quién es, mal etiquetadas, cada deducción, debería una, debería yo
        it: pesa, cosa si deduce, escludi, il più alto, il più basso, indovinello, enigma, premess*, dedurre,
            passo dopo passo, affermazion*, ragionamento, non appartiene, dice la verità, logica, logico,
            ragionamento logico, chi mente, si può concludere, possiamo concludere, ne segue che, cause possibili,
            possibili cause, causa più probabile, pro e contro, vantaggi e, conviene, contraddizione, in che ordine,
            numero successivo, prossimo numero, ragiona, l intruso, è arrivato prima, più alto di, più basso di,
            più vecchio di, chi è stato il primo, chi è il più, posso dedurre, si può dedurre, dedurre qualcosa,
            secondo te perché, come lo verifico, trova tutte le, disposizioni possibili, ragionando, ragioniamoci,
            ragionando per casi, quale numero completa, completa la serie, che numero segue, meglio comprare,
            meglio restare, mi conviene, trova l intruso, spiegazioni rivali, spiegazioni, com è possibile,
            come è possibile, basta per dire, che mente, chi ha rotto, chi ha rubato, se nessun, ipotesi,
            sospetteresti, aiutami a decidere, aiutami a ragionare, cosa succederebbe se, di chi è,
            etichette sbagliate, dovrei, ogni deduzione
        zh: 权衡, 一步步想, 能得出什么, 下一个数, 推理, 逻辑, 邏輯, 推断, 推斷, 推论, 推導出, 推出, 谜语, 謎語, 谜题,
            说谎, 說謊, 撒谎, 说真话, 说的是真话, 前提, 假设一, 假設一, 结论, 結論, 一步一步, 逐步, 一步步, 因果,
            最可能的原因, 的原因是, 结果是什么, 原因是什么, 左边, 右边, 左邊, 右邊, 规律, 最合理, 更合理, 矛盾, 蕴含,
            侦探, 凶手, 脑筋急转弯, 真还是假, 常识, 谁最, 谁最矮, 谁最高, 谁最大, 谁最小, 谁最快, 比小, 所有鸟,
            那它是, 先怀疑, 怀疑什么, 理由呢, 去还是不去, 帮我捋, 捋一捋, 纠结, 该不该, 利弊, 值不值, 哪个不同,
            不同类, 不一样的是, 只有一个说真话, 谁打碎, 谁偷, 谁是凶手, 第二种可能, 下一个是, 找规律, 过河, 过桥,
            说明了什么, 怎么可能, 能推出, 可能的解释
        ja: 天秤にかけ, 順を追って, 何が言える, の次は, 推論, 論理, 推理, なぞなぞ, パズル, 嘘をつ, 嘘つき, 前提,
            仮説, 結論, 一歩ずつ, 段階的に, ステップバイステップ, の左, の右, 矛盾, 規則性, 次に来る, 最も適切な原因,
            仲間外れ, より速く, より遅い, より背が, より大きい, より年上, 一番遅い, 一番背が, 一番年上, と言える,
            と言えるか, まず何を疑う, 何を疑う, 理由も, どっちがいい, どちらがいい, 一緒に考えて, 迷って,
            メリットデメリット, 仲間でない, 仲間はずれ, 異なるものは, 一人だけが本当, 本当のこと, 嘘だ, 犯人を,
            犯人は, 特定し, 規則, 法則, なぜと考え, 考えられる原因, 考えられる理由, どうやって渡, 川を渡
        ko: 따지고, 따져, 알 수 있지, 다음 수, 추론, 논리, 추리, 수수께끼, 퍼즐, 거짓말, 진실을, 전제, 가설, 결론,
            단계별로, 차근차근, 단계적으로, 원인으로, 원인은, 결과로, 결과는 무엇, 참인지, 참 거짓, 참과 거짓, 왼쪽,
            오른쪽, 규칙을 찾, 다음에 올, 논증, 모순, 함의, 범인, 상식, 보다 크고, 보다 크다, 보다 작, 보다 빠르,
            보다 나이가, 제일 작은, 가장 작은, 제일 큰, 가장 나이, 모든 새는, 의심해야, 먼저 의심, 이유는, 나을까,
            가는 게 나을까, 같이 생각해, 고민, 장단점, 다른 하나는, 나머지와 다른, 한 명만 참말, 참말을, 진실을 말,
            거짓을 말, 누가 깼, 누가 훔쳤, 범인은, 다른 경우가 없음, 규칙은, 강을 건너, 다리를 건너, 가능할까,
            말이 될까
        pt: pese, o que se conclui, elimine, o mais lento, lógic*, enigma, charada, premissa*, passo a passo,
            raciocínio, dedu*, quem mente, quem está mentindo, dá para concluir, dá pra concluir, podemos concluir,
            pode se concluir, causas possíveis, possíveis causas, causa mais provável, prós e contras, vantagens e,
            vale a pena, compensa, contradição, falácia, em que ordem, em qual ordem, próximo número, qual número vem,
            qual é o próximo, adivinha, raciocine, o intruso, quem é o mais, quem é a mais, qual a causa,
            segue se que, qual das duas, qual dos dois, quem chegou, por último, o que pode ser, a que se deve,
            é mais alta que, é mais alto que, mais velho que, mais velha que, mais baixa que, mais novo que,
            que dia vai ser, que dia será, dá pra saber, dá para saber, isso é válido, logo alguns, nenhum deles,
            qual não combina, não combina, qual é o intruso, o que você suspeitaria, suspeitaria, por onde começo,
            por onde começar, me ajuda a pensar, me ajude a pensar, me ajuda a decidir, pondere as saídas,
            vale mais a pena, será que devo, descubra quem, descubra qual, como descubro, três interruptores,
            sempre mente, nunca mente, a verdade, deduções, cadeia de, qual a explicação, qual explicação, hipóteses,
            suspeito, quem roubou, quem quebrou, qual a próxima, qual o próximo, o que aconteceria se, faz sentido,
            continue a sequência, de quem é, etiquetas trocadas, cada dedução, deveria uma, deveria eu
        id: timbang, selanjutnya, singkirkan, siapa term*, logika, teka teki, premis, langkah demi langkah, penalaran,
            simpulannya, siapa yang bohong, siapa yang berbohong, bisa disimpulkan, dapat disimpulkan,
            apa kesimpulannya, kemungkinan penyebab, penyebab paling, penyebabnya, untung rugi,
            kelebihan dan kekurangan, mending mana, lebih baik mana, mana yang lebih, kontradiksi, angka berikutnya,
            bilangan berikutnya, tebak tebakan, tidak termasuk kelompok, bernalar, urutan yang, paling tua,
            paling muda, paling akhir, paling awal, apa sebabnya, kira kira sebabnya, kira kira kenapa,
            lebih tinggi dari, lebih pendek dari, lebih tua dari, lebih muda dari, lebih cepat dari,
            yang paling pendek, yang paling tinggi, paling pendek, semua burung, semua a, berarti, kira kira apanya,
            dicek dulu, apanya dulu, alasannya, cari waktu minimum, menyeberang jembatan, menyeberang,
            lanjutin polanya, polanya, pola berikut, bantu aku mikir, bantu mikir, bantu putuskan, ambil ga,
            ambil gak, mending, mana yang beda, beda sendiri, yang beda, penjelasan yang mungkin, penjelasan lain,
            tiga kotak, hanya satu yang benar, hanya satu tulisan, emasnya di mana, apa pasti, pasti dia bohong,
            bohong, berbohong, siapa pelakunya, siapa yang mencuri, masuk akal, menyimpulkan, deduksi,
            apa yang terjadi kalau, teruskan, haruskah, salah label, milik siapa, tiap simpulan
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
            auf chinesisch, auf niederländisch, auf dänisch, auf schwedisch, auf norwegisch, auf finnisch,
            auf griechisch, auf ungarisch, auf tschechisch, auf rumänisch, auf ukrainisch, auf hebräisch,
            auf koreanisch, auf vietnamesisch, auf thailändisch, auf latein, ins dänische, ins schwedische,
            ins griechische, ins ukrainische, ins koreanische, ins arabische, ins tschechische, ins rumänische,
            aufs niederländische
        fr: en arabe, en chinois, en japonais, en portugais, en néerlandais, en russe, en polonais, en danois,
            en suédois, en norvégien, en grec, en hongrois, en tchèque, en roumain, en ukrainien, en hébreu,
            en coréen, en vietnamien, en turc, en breton, en créole, au grec, vers l espagnol, vers l italien,
            vers le portugais
        es: en francés, en italiano, en portugués, en chino, en japonés, al portugués, al italiano, al catalán,
            al chino, al ruso, al japonés, al polaco, al árabe, en polaco, en ruso, en árabe, en catalán, en danés,
            en sueco, en noruego, en griego, en húngaro, en checo, en rumano, en ucraniano, en hebreo, en coreano,
            en vietnamita, en holandés, en neerlandés, en latín, en turco, al neerlandés, al holandés, al sueco,
            al danés, al griego, al turco, al coreano, al ucraniano, al rumano, al latín, en gallego, al gallego,
            en euskera, al euskera, en español
        it: in portoghese, in russo, in cinese, in giapponese, in arabo, in italiano, in danese, in svedese,
            in norvegese, in greco, in ungherese, in ceco, in rumeno, in ucraino, in ebraico, in coreano,
            in vietnamita, in olandese, in latino, in turco, in polacco, in catalano, nel dialetto
        pt: em inglês, em espanhol, em francês, em alemão, em italiano, em português, para o inglês, para o espanhol,
            para o francês, para o alemão, pro espanhol, pro inglês, ao espanhol, ao inglês, ao francês, ao alemão,
            ao italiano, em japonês, em chinês, em russo, em árabe, para o italiano, para o japonês, pro francês,
            pro alemão, pro italiano, em dinamarquês, em sueco, em norueguês, em grego, em húngaro, em tcheco,
            em romeno, em ucraniano, em hebraico, em coreano, em vietnamita, em holandês, em latim, em turco,
            em polonês, para o holandês, para o sueco, para o grego, para o coreano, para o russo, para o árabe,
            para o chinês, em mandarim, para o mandarim, em português o que
        id: ke bahasa, ke inggris, bahasa inggris, bahasa jepang, bahasa korea, bahasa mandarin, ke mandarin,
            bahasa arab, bahasa prancis*, bahasa jerman*, bahasa spanyol*, bahasa italia*, bahasa rusia*,
            bahasa belanda*, bahasa polandia*, bahasa portugis*, padanan inggris*, inggrisnya, bahasa denmark,
            bahasa swedia, bahasa norwegia, bahasa yunani, bahasa turki, bahasa ceko, bahasa ukraina, bahasa ibrani,
            bahasa thailand, bahasa thai, bahasa vietnam, bahasa latin, bahasa melayu, bahasa jawa halus, ke jepang,
            ke korea, ke arab, ke jerman, ke prancis, ke belanda
        vi: tiếng anh là, sang tiếng, ra tiếng việt, sang tiếng hà lan, tiếng pháp là gì, tiếng đức là gì,
            tiếng nhật là gì, tiếng hàn là gì, tiếng trung là gì, tiếng tây ban nha
        zh: 英文版, 中文版, 日文版, 成英文, 成韩文, 成日文, 译成荷兰语, 荷兰语, 丹麦语怎么, 法语里, 德语里,
            西班牙语怎么, 俄语怎么, 阿拉伯语怎么
        ja: 韓国語に, 英語に訳, 中国語に, スペイン語に, フランス語に, オランダ語に, デンマーク語で, ロシア語に,
            アラビア語に, ポルトガル語に, ドイツ語に, イタリア語に, ベトナム語に
        ko: 중국어로, 일본어로, 스페인어로, 프랑스어로, 독일어로, 네덜란드어로, 덴마크어로, 러시아어로, 아랍어로,
            포르투갈어로, 이탈리아어로, 태국어로
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
            gereimter, gereimtes, offenes ende, ansage für, spitzname, spitznamen, speisekarte für, entwirf eine
        fr: une phrase avec, joue un
        es: una frase con, sigue la historia, relato en, relato de, relato sobre, mote, apodo, rimada, rimado,
            final abierto, contestador, diseña el menú, diseña un, frase para
        it: una frase con, fai il pirata
        pt: uma frase com, continue a, conto em, conto sobre, em versos, apelido, rimada, rimado, final aberto,
            um pirata, cardápio de um, monte o cardápio, frase pra
        id: kalimat dengan kata, lanjutkan cerita, berima, undangan, panggilan sayang, julukan, akhir terbuka,
            rancang menu, kalimat buat
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
        de: artikel, bericht, vortrag, gutachten
        fr: article, rapport, transcription, chapitre
        es: artículo, informe, noticia, acta, transcripción, hilo, ponencia
        it: articolo, relazione, trascrizione, capitolo, brano
        zh: 文章, 新闻, 新聞, 标题, 這篇
        ja: 記事, 文章
        ko: 기사, 다음 글, 제목
        pt: relatório, reportagem, ata, transcrição, parecer
        id: laporan, berita, notulensi, obrolan
        """,
    Task.EXTRACTION: """
        en: identify, find all, list all, from the text, from the passage, from the paragraph, from the following,
            from this, json, csv, mentioned in, names of, count how many
        vi: xác định, trong đoạn văn, từ đoạn văn, trong văn bản, từ văn bản, trong câu, json, tìm các, tìm tên,
            được nhắc đến, xuất hiện trong
        de: identifizier*, json, aus dem text, telefonnummer, rechnung, termine, beträge, zutaten
        fr: json, du texte, compter, identifiez, identifier, téléphone, adresse, facture, dates, montants, délais
        es: json, del texto, identifica, identificar, identifique, teléfono, correo, dirección, factura, fechas,
            importes, plazos
        it: json, dal testo, identifica, identificare, individua, indirizzo, fattura, date, importi, scadenze
        zh: 找出, 识别, 識別, 文中, 从下, 从以, 從以下, 人名, 地名, 全部列出, 机构名, 文本中, 提到的
        ja: 文中, 本文から, 文章から, 人名, 見つけて
        ko: 본문에서, 지문에서, 문장에서, 글에서, 텍스트에서, 찾아, 인명, 지명, 나열, 언급된
        pt: do texto, identifique, identifica, json, telefone, endereço, contrato, nota fiscal, datas, valores, prazos
        id: dari teks, dalam teks, sebutkan, json, nomor, alamat, tagihan, nama nama, tanggal, jumlahnya
        """,
    Task.REWRITE: """
        en: grammar, spelling, formal, tone
        vi: ngữ pháp, chính tả, sửa lại, hay hơn, chuyển câu, câu văn
        zh: 语法, 語法, 修改, 优化, 通顺, 语气, 改成, 改为, 改為
        ja: 文法, 直して, 修正, 丁寧
        ko: 문법, 바꿔, 바꾸, 공손, 표현, 수정해
        pt: gramática, tom, formal, frase, recado, texto
        id: baku, formal, kalimat
        es: mensaje
        it: testo
        de: satz
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
        de: schreib*, erstell*, e mail, überzeugend*, lebendig*, fesselnd*, absatz, absätz*, lustig, lustige, witzig,
            humorvoll, originell
        fr: écri*, ^ créez, compose, lettre, convaincant*, captivant*, paragraphe*, drôle, rigolo, humour
        es: escrib*, ^ crea, carta, persuasiv*, cautivador*, párrafo*, gracioso, ocurrente
        it: scriv*, ^ crea, lettera, persuasiv*, avvincent*, paragraf*, spiritoso, divertente, buffo, allegro
        zh: 写一, 寫一, 写个, 写, 寫, 邮件, 郵件, 诗, 詩, 角色, 描写, 段落, 生动, 设计, 创意, 有趣, 编写, 你是一名,
            你是一个, 你是一位
        ja: 書いて, 書け, 書きなさい, 作成して, 登場人物, 段落, メール, 魅力的, 考えて
        ko: 써줘, 써 줘, 써 주세요, 써주세요, 쓰시오, 쓰세요, 써라, 작성해, 작성하, 작성, 이야기, 시를, 주인공, 문단,
            단락, 매력적, 만들어
        pt: carta, parágrafo*, escrev*, cri*, engraçado, engraçada, criativo, divertido, nostálgico
        id: surat, paragraf, tulis*, buatkan*, lucu, kocak, kekinian, puitis, jenaka
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
    en: in order to, area code, class action, left wing, right wing, prime minister, present, presents, presented,
        presence, presentation, person, persons, generate, generated, generates, generating, generation, generations,
        general, generally, generals, generous, permission, variety, varieties, varies, remained, angeles, angelina,
        meat, corn, quail, peas, bead, dine, factories, infrequent
    vi: dịch vụ, máy tính, tính năng, tính cách, tính chất, hàm lượng, sao chép, ngôi sao, đồng thời, đồng ý,
        hội đồng, cộng đồng, hợp đồng, phổ biến, tổng thống, tổng giám đốc, thương mại, thương hiệu, góc nhìn,
        hiệu quả, hiệu ứng, tính từ, tính đến, giới tính, tuyến tính, mã số, mã vạch, biến đổi khí hậu, biến đổi,
        sao hỏa, hàm răng, sao mộc, dù sao, ^ dịch vụ, ^ dịch bệnh, ^ dịch cúm, ^ dịch tả, ^ dịch chuyển, ^ tính năng,
        ^ tính cách, ^ tính chất, ^ tính từ, ^ tính đến
    de: fassen sie sich, fasse dich, geschichte der, dichter, dichtern, gericht, gerichts, letzter, preis, preise,
        angelegenheit, angelegenheiten, unterscheidet,
        schrieb, schrieben
    zh: 几乎, 几何, 真正, 真的, 假期, 信息, 信任, 相信, 公元, 单元, 要求, 需求, 追求, 请求, 计算机, 計算機, 量子计算,
        云计算, 情感小说, 元素
    ja: 何か, 計算機
    ko: 총리, 원래, 직원, 지원, 배경, 배우, 배터리, 회원, 공원, 병원, 부정사, 참가, 참여, 참고, 왜냐하면, 계산기,
        계산서, 원칙, 원소
    es: cuenta, cuentan, cuentas, cuantía, inventó, una sola extracción, decir, permiso, presentes, generales, cuñados
    it: presenti, presentati, generale, generalizza
    fr: permis, permise, vite, intègre
    pt: presença, gênero
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
