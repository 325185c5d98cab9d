// browsers are the oldest that the page is written for: those of spring 2024.
export const browsers = ['chrome123', 'firefox125', 'safari17.5']
