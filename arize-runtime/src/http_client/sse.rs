//! Server-sent events, out of chunks that end anywhere.

/// The data of events, as the WHATWG's HTML standard reads them.
#[derive(Debug)]
pub(super) struct Events {
    most: usize,
    line: Vec<u8>,
    data: Option<String>,
    /// The event so far is longer than `most`, and is left out.
    too_long: bool,
    after_return: bool,
    begun: bool,
}

impl Events {
    /// Keeps at most so many bytes of one event.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            line: Vec::new(),
            data: None,
            too_long: false,
            after_return: false,
            begun: false,
        }
    }

    /// Gives the data of each event that these bytes finish.
    pub(super) fn feed(&mut self, mut bytes: &[u8], give: &mut dyn FnMut(&str)) {
        while let Some((&first, _)) = bytes.split_first() {
            if std::mem::take(&mut self.after_return) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                self.keep(bytes);
                return;
            };
            self.keep(&bytes[..end]);
            self.after_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line(give);
        }
    }

    /// Gives the last event, if no empty line came after it.
    pub(super) fn finish(&mut self, give: &mut dyn FnMut(&str)) {
        self.end_line(give);
        self.end_event(give);
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.line.len() + bytes.len() > self.most {
            self.too_long = true;
            // its length decides whether the line is empty
            self.line.truncate(1);
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end_line(&mut self, give: &mut dyn FnMut(&str)) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = if std::mem::replace(&mut self.begun, true) {
            &line
        } else {
            line.trim_start_matches('\u{feff}')
        };
        if line.is_empty() {
            self.end_event(give);
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field != "data" {
            return; // a comment, or a name that the data repeats
        }
        let value = value.strip_prefix(' ').unwrap_or(value);
        let kept = self.data.as_ref().map_or(0, String::len);
        if kept + value.len() > self.most {
            self.too_long = true;
            return;
        }
        match &mut self.data {
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
            none => *none = Some(value.to_owned()),
        }
    }

    fn end_event(&mut self, give: &mut dyn FnMut(&str)) {
        let data = self.data.take();
        if !std::mem::take(&mut self.too_long)
            && let Some(data) = data
        {
            give(&data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{feff}: hello\r\ndata: one\r\n\r\nevent: x\rdata:two\r\ndata: lines °\r\rid: 7\n\n\
                          data\n\ndata: {\"a\":1}\n\n\ndata: last";

    fn read(stream: &[u8], size: usize, most: usize) -> Vec<String> {
        let mut events = Events::new(most);
        let mut read = Vec::new();
        let mut give = |data: &str| read.push(data.to_owned());
        for chunk in stream.chunks(size) {
            events.feed(chunk, &mut give);
        }
        events.finish(&mut give);
        read
    }

    #[test]
    fn events_are_the_same_wherever_chunks_end() {
        for size in 1..=STREAM.len() {
            assert_eq!(
                read(STREAM.as_bytes(), size, 100),
                ["one", "two\nlines °", "", r#"{"a":1}"#, "last"],
                "{size}"
            );
        }
    }

    #[test]
    fn an_event_that_is_too_long_is_left_out_and_costs_no_memory() {
        let long = format!("data: {}\n\ndata: short\n\n", "x".repeat(1000));
        for size in [1, 7, 500, 2000] {
            assert_eq!(read(long.as_bytes(), size, 50), ["short"], "{size}");
        }
        let lines = format!("{}\ndata: short\n\n", "data: xxxxxxxxxx\n".repeat(20));
        assert_eq!(read(lines.as_bytes(), 3, 50), ["short"]);
    }

    #[test]
    fn any_bytes_are_read() {
        for size in 1..5 {
            read(&[0xff, b':', 0xfe, b'\r', b'\r', b'\n', b'd', 0], size, 10);
        }
    }
}
