using System.Collections;

namespace PageFold;

/// <summary>A list whose text shows its elements, so that the text of a record with a list does.</summary>
/// <param name="items">The elements.</param>
internal sealed class ShownList<T>(IReadOnlyList<T> items) : IReadOnlyList<T>
{
    // A store has hundreds of size classes.
    private const int MaxShown = 16;

    public int Count => items.Count;

    public T this[int index] => items[index];

    /// <summary>The list itself if its text shows its elements already.</summary>
    public static IReadOnlyList<T> Of(IReadOnlyList<T> items) => items as ShownList<T> ?? new ShownList<T>(items);

    public IEnumerator<T> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The first elements, and how many more there are.</summary>
    public override string ToString()
    {
        string shown = string.Join(", ", items.Take(MaxShown));
        return items.Count > MaxShown ? $"[{shown} and {items.Count - MaxShown} more]" : $"[{shown}]";
    }
}
