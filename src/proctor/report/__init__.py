"""The run viewer: a local page, a single file for a colleague, and a text browser over what a run wrote.

The room only reads run directories, except for the marks that a person leaves (`verdicts`). It never grades, samples or trains, and
never loads a run whole: metrics are followed from where reading stopped, rollouts stay in their Parquet files and are asked for with
SQL. Everything a model wrote is hostile text: here it is data, on the page it is text, and it is never markup.
"""
