apply-lead = One application for all sources. The cart is the first part of the form.
apply-start = { $count ->
    [one] Start an application with the variable in the cart
   *[other] Start an application with { $count } variables from the cart
 }
apply-find-first = Find variables first
apply-login = Log in to see and write applications.
apply-mine = My applications
apply-none = You have no applications yet. Put variables in the cart and start here.
apply-untitled = Untitled
apply-permits = My permits
apply-form = Application for data
apply-sections = Parts of the application
apply-complete = Ready
apply-attention = Needs attention
apply-saved = Saved { $time }
apply-not-saved = Not saved. Try the Save button.
apply-to-mend = This is missing
apply-question = Question from the case handler:
apply-role = Role in the project
apply-necessity = Why is the variable needed?
apply-next = Save and continue
apply-answer = Answer questions
apply-your-answer = Your answer about
apply-submit = Submit the application
apply-ready = The application is ready to be submitted.
apply-missing = { $count ->
    [one] One thing is missing before you can submit.
   *[other] { $count } things are missing before you can submit.
 }
role-in-project-population = Population
role-in-project-exposure = Exposure
role-in-project-outcome = Outcome
role-in-project-covariate = Covariate
role-in-project-control-matching = Matching of controls
role-in-project-linkage = Linkage
role-in-project-other = Other
person-name = Name
person-email = E-mail
person-role = Role
from = From
to = To
due = Due { $date }
apply-choose = Choose
