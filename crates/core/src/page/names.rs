//! What servers call the rows, the counts and the links of a page.

/// The rows.
pub(super) const ROWS: [&str; 6] = ["results", "data", "items", "objects", "rows", "records"];
/// The rows, where there is no other list.
pub(super) const LISTS: [&str; 7] = [
    "content",
    "values",
    "value",
    "entries",
    "elements",
    "docs",
    "documents",
];
/// Lists that are none of rows.
pub(super) const BESIDE: [&str; 8] = [
    "errors", "warnings", "messages", "links", "included", "facets", "filters", "pages",
];
/// How many rows there are. The first one may be the number of those on the page.
pub(super) const COUNTS: [&str; 15] = [
    "count",
    "total",
    "total_count",
    "totalCount",
    "total_items",
    "TotalCount",
    "totalItems",
    "total_elements",
    "totalElements",
    "total_results",
    "totalResults",
    "total_records",
    "totalRecords",
    "recordsFiltered",
    "@odata.count",
];
/// How many of them count beside the fields of Django REST Framework.
pub(super) const OLDEST: usize = 5;
pub(super) const COUNT_HEADERS: [&str; 12] = [
    "x-total-count",
    "x-total",
    "x-pagination-count",
    "x-pagination-total",
    "x-pagination-total-count",
    "x-total-items",
    "x-total-records",
    "x-total-results",
    "x-wp-total",
    "total-count",
    "total-records",
    "total-objects",
];
/// The headers that may hold what stands around the rows elsewhere, as a JSON object.
pub(super) const HEADED: [&str; 2] = ["x-pagination", "pagination"];
/// The link to the next page, its number, or what is sent for it.
pub(super) const NEXT: [&str; 26] = [
    "next",
    "next_url",
    "nextUrl",
    "next_page_url",
    "nextPageUrl",
    "next_page",
    "nextPage",
    "next_link",
    "nextLink",
    "next_href",
    "nextHref",
    "@odata.nextLink",
    "odata.nextLink",
    "next_cursor",
    "nextCursor",
    "next_page_token",
    "nextPageToken",
    "next_page_cursor",
    "nextPageCursor",
    "next_token",
    "nextToken",
    "next_marker",
    "nextMarker",
    "NextToken",
    "continuation_token",
    "continuationToken",
];
pub(super) const NEXT_HEADERS: [&str; 5] = [
    "next-page",
    "x-next-page",
    "x-next-cursor",
    "x-pagination-next",
    "x-pagination-next-page",
];
/// The cursor of the last row, which is sent for the next page if there is one.
pub(super) const CURSORS: [&str; 2] = ["endCursor", "end_cursor"];
/// Whether a page follows.
pub(super) const MORE: [&str; 12] = [
    "has_more",
    "hasMore",
    "has_next",
    "hasNext",
    "HasNext",
    "has_next_page",
    "hasNextPage",
    "has_more_pages",
    "hasMorePages",
    "next_page_results",
    "is_truncated",
    "more",
];
/// Whether this one is the last.
pub(super) const LAST: [&str; 5] = ["last", "is_last", "isLast", "is_last_page", "isLastPage"];
/// How many pages there are.
pub(super) const PAGES: [&str; 10] = [
    "total_pages",
    "totalPages",
    "TotalPages",
    "num_pages",
    "numPages",
    "page_count",
    "pageCount",
    "last_page",
    "lastPage",
    "pages",
];
/// The number of this one.
pub(super) const NUMBER: [&str; 9] = [
    "page",
    "current_page",
    "currentPage",
    "CurrentPage",
    "page_number",
    "pageNumber",
    "page_index",
    "pageIndex",
    "current",
];
pub(super) const PREVIOUS: [&str; 5] = [
    "previous",
    "prev",
    "previous_url",
    "prev_url",
    "prev_page_url",
];
/// The objects beside the rows that tell of this page. A number of all that stands there under a bare name may be that of pages.
pub(super) const OF_PAGE: [&str; 4] = ["paging", "page", "pageInfo", "page_info"];
/// The objects beside the rows that hold all that.
pub(super) const NESTED: [&str; 6] = [
    "meta",
    "links",
    "pagination",
    "response_metadata",
    "_links",
    "_meta",
];
