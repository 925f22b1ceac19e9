//! Which place of an SQLite file a byte is, to tell what is harmless.

/// What is known of each page of a file.
pub(crate) struct Layout {
    page_bytes: usize,
    bytes: Vec<u8>,
    /// Pages of the list of free ones, by number from 0; those that list others, and those that are only listed.
    trunks: Vec<usize>,
    leaves: Vec<usize>,
}

impl Layout {
    pub(crate) fn new(bytes: &[u8], page_bytes: usize) -> Self {
        let mut layout = Self { page_bytes, bytes: bytes.to_vec(), trunks: Vec::new(), leaves: Vec::new() };
        let mut trunk = layout.number(32);
        while trunk != 0 {
            let start = (trunk - 1) * page_bytes;
            layout.trunks.push(trunk - 1);
            let listed = layout.number(start + 4);
            layout
                .leaves
                .extend((0..listed).map(|leaf| layout.number(start + 8 + 4 * leaf) - 1).collect::<Vec<_>>());
            trunk = layout.number(start);
        }
        layout
    }

    fn number(&self, at: usize) -> usize {
        self.bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    fn short(&self, at: usize) -> usize {
        usize::from(self.bytes[at]) << 8 | usize::from(self.bytes[at + 1])
    }

    pub(crate) fn place_of_page(&self, page: usize) -> &'static str {
        match self.bytes[page * self.page_bytes] {
            _ if self.leaves.contains(&page) => "free page",
            _ if self.trunks.contains(&page) => "list of free pages",
            2 | 5 | 10 | 13 => "page of a table",
            _ => "page of long values or of the map of pages",
        }
    }

    /// The kind of place at a byte.
    pub(crate) fn place(&self, at: usize) -> &'static str {
        let page = at / self.page_bytes;
        let start = page * self.page_bytes;
        let of_page = self.place_of_page(page);
        let header = match at {
            0..24 => return "header: format, page size, versions",
            24..28 => return "header: counter of changes",
            28..40 => return "header: size and free pages",
            40..48 => return "header: version of the schema",
            48..52 => return "header: suggested size of the cache",
            52..92 => return "header: other numbers",
            92..100 => return "header: which SQLite wrote it",
            _ if page == 0 => 100,
            _ => start,
        };
        if page > 0 && of_page != "page of a table" {
            return of_page;
        }
        let is_inner = matches!(self.bytes[header], 2 | 5);
        let cells = header + if is_inner { 12 } else { 8 } + 2 * self.short(header + 3);
        let content = start + self.short(header + 5);
        match at {
            _ if (cells..content).contains(&at) => "room between the cells of a table",
            _ if at >= content => "cell of a table",
            _ => "head of a page of a table",
        }
    }
}
