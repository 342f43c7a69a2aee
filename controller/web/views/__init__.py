"""The page's views, a module each: handlers from (Face, Call) to a rendered page, and the operations that lead to them."""
