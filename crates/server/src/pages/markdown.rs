//! Markdown as safe HTML: what people and packs write, without script, style or foreign address.

/// Returns markdown as HTML that can do no harm. Raw HTML within it shows as nothing.
pub(crate) fn markdown(text: &str) -> String {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    ammonia::clean(&comrak::markdown_to_html(text, &options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_the_text_does_no_harm() {
        let html = markdown("**Note** <script>alert(1)</script> [go](javascript:alert(1))");
        assert!(html.contains("<strong>Note</strong>") && !html.contains("script"), "{html}");
    }
}
