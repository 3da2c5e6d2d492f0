//! A drawing as a PNG picture on white ground, four pixels per unit: 12 cm wide at 300 points per inch. Where it comes from stands in a
//! text of the file.

use ::png::{BitDepth, ColorType, Encoder, EncodingError, PixelDimensions, Unit};
use tiny_skia::{Color, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, StrokeDash, Transform};

use super::flat::{Colour, Outline, outlines};
use super::{Drawing, Step, WIDTH};

/// Pixels per unit.
const PIXELS: f64 = 4.0;
/// Pixels per metre at 300 points per inch.
const PER_METRE: u32 = 11_811;
/// The highest picture, in units: that of some thousand rows.
const MOST: f64 = 8000.0;

/// The bytes of the file; none for a drawing that is too high to be one.
pub(crate) fn png(drawing: &Drawing<'_>, about: &str) -> Option<Vec<u8>> {
    if drawing.height > MOST {
        return None;
    }
    let mut picture = Pixmap::new((WIDTH * PIXELS) as u32, (drawing.height * PIXELS).ceil() as u32)?;
    picture.fill(Color::WHITE);
    for outline in outlines(drawing) {
        draw(&mut picture, &outline);
    }
    encoded(&picture, drawing, about).ok()
}

fn draw(picture: &mut Pixmap, outline: &Outline) {
    let Some(path) = path(&outline.steps) else { return };
    let scale = Transform::from_scale(PIXELS as f32, PIXELS as f32);
    if let Some(fill) = outline.fill {
        picture.fill_path(&path, &paint(fill, outline.opacity), FillRule::Winding, scale, None);
    }
    if let Some((colour, width, dash)) = outline.stroke {
        let dash = dash.and_then(|d| StrokeDash::new(d.map(|x| x as f32).to_vec(), 0.0));
        let stroke = Stroke {
            width: width as f32,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Round,
            dash,
            ..Stroke::default()
        };
        picture.stroke_path(&path, &paint(colour, outline.opacity), &stroke, scale, None);
    }
}

fn path(steps: &[Step]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for step in steps {
        let f = |at: [f64; 2]| (at[0] as f32, at[1] as f32);
        match *step {
            Step::Move(at) => builder.move_to(f(at).0, f(at).1),
            Step::Line(at) => builder.line_to(f(at).0, f(at).1),
            Step::Curve([a, b, end]) => builder.cubic_to(f(a).0, f(a).1, f(b).0, f(b).1, f(end).0, f(end).1),
            Step::Close => builder.close(),
        }
    }
    builder.finish()
}

fn paint([r, g, b]: Colour, opacity: f64) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(r, g, b, (opacity.clamp(0.0, 1.0) * 255.0).round() as u8);
    paint.anti_alias = true;
    paint
}

/// The ground is opaque, so the colours are those of the picture without its last channel.
fn encoded(picture: &Pixmap, drawing: &Drawing<'_>, about: &str) -> Result<Vec<u8>, EncodingError> {
    let pixels: Vec<u8> = picture.data().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, picture.width(), picture.height());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_pixel_dims(Some(PixelDimensions { xppu: PER_METRE, yppu: PER_METRE, unit: Unit::Meter }));
    encoder.add_itxt_chunk("Title".to_owned(), drawing.how.caption.to_owned())?;
    encoder.add_itxt_chunk("Description".to_owned(), drawing.description.clone())?;
    encoder.add_itxt_chunk("Source".to_owned(), about.to_owned())?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(out)
}
