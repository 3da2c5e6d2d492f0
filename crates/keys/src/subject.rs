//! The person that a message is about: an identity number inside a sealed container, read strictly, kept only as long as
//! it is needed; and the tag under which the audit log knows her (AUD-032).

use kernel::identity_number::{Environment, Rules};
use kernel::{Clock, IdentityNumber};
use protocol::Base64;
use protocol::channel::codes;

use crate::canonical::ordinal_id;
use crate::error::KeyError;
use crate::keystore::{KeyClass, KeySpec, Keystore as _, SealingKey, SoftKeystore};

/// The number in a container that was sealed to the key role.
///
/// # Errors
/// `bad_encoding` when it does not open, `invalid_number` when it holds anything but a number that this environment
/// accepts.
pub(crate) fn open_subject(
    container: &Base64,
    seal: &SealingKey,
    environment: Environment,
) -> Result<IdentityNumber, KeyError> {
    let plain = seal.open(&container.0).map_err(|_| KeyError::refused(codes::BAD_ENCODING))?;
    let text = std::str::from_utf8(&plain).map_err(|_| KeyError::refused("invalid_number"))?;
    IdentityNumber::parse(text, &Rules::of(environment)).map_err(|_| KeyError::refused("invalid_number"))
}

/// The tag of a person in this year's audit log: first 16 bytes of a CMAC under a key of the year, as hex. When the
/// year's key is destroyed, the tags mean nothing any more.
pub(crate) fn subject_tag(keystore: &SoftKeystore, clock: &dyn Clock, ordinal: u32) -> Result<String, KeyError> {
    let year = clock.today().year();
    let key = keystore.generate(&KeySpec::new(KeyClass::AuditSubject, format!("year-{year}")))?;
    Ok(hex::encode(keystore.cmac(key, &ordinal_id(ordinal))?))
}
