//! What an exclusion or a fine rests on (EHDS article 63, ACC-164): the notice in a case on which the parties could comment and
//! that was decided on there, another hearing, or why nobody was heard. Neither list is written without it.

use identity::Actor;
use kernel::Problem;

use super::{Access, Excluded};
use crate::model::{Ground, Hearing, Sanction};
use crate::sql;

impl Access {
    /// The ground, where a reaction may be entered on it; `party` is whom it hits, where that is known.
    ///
    /// # Errors
    /// `hearing_missing` without a ground; `sanction_open` until it was decided on in the case, `sanction_dropped` when it was
    /// not imposed there; what is wrong with the ground, field by field; forbidden when the case that it names is not for them.
    pub(super) async fn grounded<'a>(
        &self,
        actor: &Actor,
        sanction: Sanction,
        party: Option<Excluded<'_>>,
        ground: Option<&'a Ground>,
    ) -> Result<&'a Ground, Problem> {
        let Some(ground) = ground else {
            let remedy = "name the notice in the case, tell of another hearing, or say why nobody was heard (hearing)";
            return Err(Problem::conflict("hearing_missing", remedy));
        };
        let Ground { hearing, case } = ground;
        crate::model::check_hearing(hearing, self.zone.clock.today())?;
        if let Some((place, text)) = hearing.text()
            && super::holds_identity_number(text)
        {
            return Err(Problem::invalid(place, "identity_number", "the text seems to hold an identity number"));
        }
        let Hearing::Notice { notice } = hearing else { return Ok(ground) };
        let Some(number) = case.as_deref().filter(|number| !number.is_empty()) else {
            return Err(Problem::invalid("case", "required", "the number of the case in which notice was given"));
        };
        let id = self.case_id(actor, number).await.map_err(|problem| match problem {
            Problem::NotFound { .. } => Problem::invalid("case", "no_case", format!("{number} is no case")),
            other => other,
        })?;
        let (loaded, ..) = self.seen(actor, id).await?;
        let known = loaded.case.after().and_then(|after| after.notices.iter().find(|known| known.number == *notice));
        let Some(known) = known.filter(|known| known.sanction == sanction) else {
            let fault = format!("{number} has no notice {notice} of this reaction");
            return Err(Problem::invalid("notice", "no_notice", fault));
        };
        match &known.ended {
            None => Err(Problem::conflict("sanction_open", format!("decide on notice {notice} in {number} first"))),
            Some(end) if !end.imposed => {
                Err(Problem::conflict("sanction_dropped", format!("notice {notice} in {number} led to nothing")))
            }
            Some(_) => match party {
                Some(party) if !self.has_part(&loaded, party).await? => {
                    let fault = format!("has no part in {number}, so was not told there");
                    Err(Problem::invalid("party", "not_told", fault))
                }
                _ => Ok(ground),
            },
        }
    }

    /// Whether a person applies or takes part in a case, or an organisation applies.
    async fn has_part(&self, loaded: &sql::Loaded, party: Excluded<'_>) -> Result<bool, Problem> {
        match party {
            Excluded::Person(account) => {
                Ok(loaded.case.applicant() == account || loaded.case.folder().members.contains_key(account))
            }
            Excluded::Organisation(number) => {
                let (content, ..) = self.read_case(loaded).await?;
                Ok(content.is_some_and(|content| content.text("app.orgnr").trim() == number))
            }
        }
    }
}
