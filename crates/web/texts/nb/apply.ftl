apply-lead = Én søknad for alle kilder. Handlekurven er første del av skjemaet.
apply-start = { $count ->
    [one] Start søknad med variabelen i handlekurven
   *[other] Start søknad med { $count } variabler fra handlekurven
 }
apply-find-first = Finn variabler først
apply-login = Logg inn for å se og skrive søknader.
apply-mine = Mine søknader
apply-none = Du har ingen søknader ennå. Legg variabler i handlekurven og start her.
apply-untitled = Uten tittel
apply-permits = Mine tillatelser
apply-form = Søknad om data
apply-sections = Deler av søknaden
apply-complete = Klar
apply-attention = Mangler noe
apply-saved = Lagret { $time }
apply-not-saved = Ikke lagret. Prøv knappen Lagre.
apply-to-mend = Dette mangler
apply-question = Spørsmål fra saksbehandler:
apply-role = Rolle i prosjektet
apply-necessity = Hvorfor er variabelen nødvendig?
apply-next = Lagre og gå videre
apply-answer = Svar på spørsmål
apply-your-answer = Ditt svar om
apply-submit = Send søknaden
apply-ready = Søknaden er klar til å sendes.
apply-missing = { $count ->
    [one] Én ting mangler før du kan sende.
   *[other] { $count } ting mangler før du kan sende.
 }
role-in-project-population = Utvalg
role-in-project-exposure = Eksponering
role-in-project-outcome = Utfall
role-in-project-covariate = Kovariat
role-in-project-control-matching = Matching av kontroller
role-in-project-linkage = Kobling
role-in-project-other = Annet
person-name = Navn
person-email = E-post
person-role = Rolle
from = Fra
to = Til
due = Frist { $date }
apply-choose = Velg
