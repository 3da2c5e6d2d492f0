//! Fixtures that are made rather than kept: archives, workbooks, pictures, documents, Parquet files.

use std::io::Write as _;
use std::sync::Arc;

use parquet::basic::{Compression, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// An archive of members, packed.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<(&str, Vec<u8>, u32, u16)> =
        members.iter().map(|(name, data)| (*name, deflate(data), data.len() as u32, 0)).collect();
    zip_of(&entries)
}

/// An archive of packed members with the size they claim and their flags.
pub fn zip_of(members: &[(&str, Vec<u8>, u32, u16)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, packed, size, flags) in members {
        let at = out.len() as u32;
        let mut common = Vec::new();
        for field in [20u16, *flags, 8, 0, 0] {
            common.extend(field.to_le_bytes());
        }
        common.extend(0u32.to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0u16.to_le_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0u8; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend((members.len() as u16).to_le_bytes());
    out.extend((members.len() as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0u8; 2]);
    out
}

pub fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A workbook of one sheet: a name and a count per row; `workbook` and `more` add to it.
pub fn xlsx(rows: &[(&str, &str)], state: &str, cell: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut sheet = String::from(
        "<?xml version=\"1.0\"?><worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"inlineStr\"><is><t>n</t></is></c></row>",
    );
    for (i, (name, n)) in rows.iter().enumerate() {
        let r = i + 2;
        sheet.push_str(&format!(
            "<row r=\"{r}\"><c r=\"A{r}\" t=\"inlineStr\"><is><t>{name}</t></is></c><c r=\"B{r}\"><v>{n}</v></c></row>"
        ));
    }
    sheet.push_str(cell);
    sheet.push_str("</sheetData></worksheet>");
    let workbook = format!("<workbook><sheets><sheet name=\"Table\" sheetId=\"1\"{state}/></sheets></workbook>");
    let mut members: Vec<(&str, &[u8])> = vec![
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/sharedStrings.xml", b"<sst><si><t>sex</t></si></sst>"),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    members.extend(more);
    zip(&members)
}

/// A picture of two by two points, with a text when asked for.
pub fn png(text: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 2, 2);
    encoder.set_color(png::ColorType::Rgb);
    if let Some(text) = text {
        encoder.add_text_chunk("Comment".to_owned(), text.to_owned()).unwrap();
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[7; 12]).unwrap();
    writer.finish().unwrap();
    out
}

/// A document with one packed stream and these words in its structure.
pub fn pdf(structure: &str, stream: &str) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(stream.as_bytes()).unwrap();
    let mut out = format!(
        "%PDF-1.7\n1 0 obj\n<< /Type /Catalog {structure} >>\nendobj\n2 0 obj\n<< /Filter /FlateDecode >>\nstream\n"
    )
    .into_bytes();
    out.extend(encoder.finish().unwrap());
    out.extend(b"\nendstream\nendobj\ntrailer << >>\n%%EOF\n");
    out
}

/// A Parquet file of a text and a number.
pub fn parquet(rows: &[(&str, i64)], compression: Compression) -> Vec<u8> {
    let schema = parse_message_type("message t { required binary sex (UTF8); required int64 n; }").unwrap();
    assert_eq!(schema.get_fields()[1].get_physical_type(), Physical::INT64);
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = file.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let names: Vec<ByteArray> = rows.iter().map(|(name, _)| ByteArray::from(*name)).collect();
    column.typed::<ByteArrayType>().write_batch(&names, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let numbers: Vec<i64> = rows.iter().map(|(_, n)| *n).collect();
    column.typed::<Int64Type>().write_batch(&numbers, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.into_inner().unwrap()
}
