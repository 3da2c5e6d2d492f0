apply-lead = Éin søknad for alle kjelder. Handlekorga er første del av skjemaet.
apply-start = { $count ->
    [one] Start søknad med variabelen i handlekorga
   *[other] Start søknad med { $count } variablar frå handlekorga
 }
apply-find-first = Finn variablar først
apply-login = Logg inn for å sjå og skrive søknader.
apply-mine = Søknadene mine
apply-none = Du har ingen søknader enno. Legg variablar i handlekorga og start her.
apply-untitled = Utan tittel
apply-permits = Løyva mine
apply-form = Søknad om data
apply-sections = Delar av søknaden
apply-complete = Klar
apply-attention = Manglar noko
apply-saved = Lagra { $time }
apply-not-saved = Ikkje lagra. Prøv knappen Lagre.
apply-to-mend = Dette manglar
apply-question = Spørsmål frå saksbehandlar:
apply-role = Rolle i prosjektet
apply-necessity = Kvifor er variabelen nødvendig?
apply-next = Lagre og gå vidare
apply-answer = Svar på spørsmål
apply-your-answer = Svaret ditt om
apply-submit = Send søknaden
apply-ready = Søknaden er klar til å sendast.
apply-missing = { $count ->
    [one] Éin ting manglar før du kan sende.
   *[other] { $count } ting manglar før du kan sende.
 }
role-in-project-population = Utval
role-in-project-exposure = Eksponering
role-in-project-outcome = Utfall
role-in-project-covariate = Kovariat
role-in-project-control-matching = Matching av kontrollar
role-in-project-linkage = Kopling
role-in-project-other = Anna
person-name = Namn
person-email = E-post
person-role = Rolle
from = Frå
to = Til
due = Frist { $date }
apply-choose = Vel
