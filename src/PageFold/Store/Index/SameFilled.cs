using System.Runtime.InteropServices;
using PageFold.Allocation;

namespace PageFold.Store.Index;

/// <summary>
/// Pages that are one repeated 64-bit word, and how a slot holds them: a word whose halves are equal (all bytes the same, zero above all)
/// lies in the slot itself, any other in the <see cref="PatternTable"/>.
/// </summary>
internal static class SameFilled
{
    /// <summary>True if the page is one word again and again.</summary>
    public static bool TryMatch(ReadOnlySpan<byte> page, out ulong word)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(page);
        word = words[0];
        // Most pages differ within the first few words.
        return words[1] == word && words[^1] == word && !words.ContainsAnyExcept(word);
    }

    public static void Fill(Span<byte> page, ulong word) => MemoryMarshal.Cast<byte, ulong>(page).Fill(word);

    public static bool FitsSlot(ulong word) => (uint)word == (uint)(word >> 32);

    public static ulong SlotFor(ulong word) => SlotWord.ForPayload(SlotKind.Value, (ulong)(uint)word << 1);

    public static ulong SlotForPattern(uint number) => SlotWord.ForPayload(SlotKind.Value, (ulong)number << 1 | 1);

    /// <summary>True if the slot holds a same-filled page.</summary>
    public static bool Is(ulong slot) => SlotWord.Kind(slot) == SlotKind.Value && !WrittenBack.Is(slot);

    /// <summary>True if a same-filled page's slot names a pattern.</summary>
    public static bool NamesPattern(ulong slot) => (SlotWord.Payload(slot) & 1) != 0;

    /// <summary>The number in a slot that names a pattern.</summary>
    public static uint Pattern(ulong slot) => (uint)(SlotWord.Payload(slot) >> 1);

    /// <summary>The word in a slot that does not name a pattern.</summary>
    public static ulong Word(ulong slot)
    {
        ulong half = (uint)(SlotWord.Payload(slot) >> 1);
        return half | half << 32;
    }
}
