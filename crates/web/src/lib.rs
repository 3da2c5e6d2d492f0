//! Pages and JSON API of the centre.
