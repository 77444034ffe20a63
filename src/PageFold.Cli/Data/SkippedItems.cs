namespace PageFold.Cli.Data;

/// <summary>What could not be read: how many, and the first few with their reasons.</summary>
internal sealed class SkippedItems
{
    private const int MostNamed = 5;

    private readonly List<SkippedItem> _named = [];

    public int Count { get; private set; }

    public IReadOnlyList<SkippedItem> Named => _named;

    public void Add(string name, string reason)
    {
        Count++;
        if (_named.Count < MostNamed)
            _named.Add(new SkippedItem(name, reason));
    }

    /// <summary>All of it in a sentence's end.</summary>
    public string Description => Count == 0
        ? string.Empty
        : $"{Figures.Count(Count, "file or folder", "files or folders")} could not be read: "
            + $"{string.Join(", ", _named.Select(item => $"{item.Name} ({item.Reason})"))}"
            + $"{(Count > MostNamed ? $", and {Figures.Of(Count - MostNamed, "N0")} more" : string.Empty)}";
}

/// <summary>A file or folder that could not be read.</summary>
/// <param name="Name">Its name, escaped for people.</param>
/// <param name="Reason">Why.</param>
internal sealed record SkippedItem(string Name, string Reason);
