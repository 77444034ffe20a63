using PageFold.Allocation;
using PageFold.Store;

namespace PageFold;

/// <summary>Looks at pages that read nothing, wait for nothing and do not count as an access.</summary>
public sealed unsafe partial class PageStore
{
    /// <summary>True if a page is stored.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public bool Contains(long page) => SlotWord.Kind(Look(page)) != SlotKind.Empty;

    /// <summary>How a page is held; null if it is not stored.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public PageState? StateOf(long page) => StateOrNull(Look(page));

    /// <summary>True if a page is not stored, or stored as nothing but zeros: whoever reads it as a disk does finds zeros.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public bool IsZero(long page) => IsZeroWord(Look(page));

    /// <summary>What is known about a page; false if it is not stored.</summary>
    /// <param name="page">The page's number, 0 to <see cref="MaxPage"/>.</param>
    /// <param name="info">What is known.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed.</exception>
    public bool TryGetPageInfo(long page, out PageInfo info)
    {
        Throw.IfPageOutOfRange(page, nameof(page));
        int stripe = _gate.Enter();
        try
        {
            ulong* slot = _slots.Find((uint)page);
            ulong word = slot is null ? 0 : Volatile.Read(ref *slot);
            info = default;
            if (SlotWord.Kind(word) == SlotKind.Empty)
                return false;
            PageState state = StateOfWord(word);
            info = state == PageState.SameFilled
                ? new PageInfo(state, 0, 0, false, AgeOf((uint)page))
                : new PageInfo(state, SlotWord.Size(word), SlotWord.Codec(word), SlotWord.IsSettled(word), AgeOf((uint)page));
            return true;
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    /// <summary>Lets the clock of ages go ahead. For tests.</summary>
    internal void AdvanceClock(TimeSpan by) => _access!.Advance(by);

    private ulong Look(long page)
    {
        Throw.IfPageOutOfRange(page, nameof(page));
        int stripe = _gate.Enter();
        try
        {
            ulong* slot = _slots.Find((uint)page);
            return slot is null ? 0 : Volatile.Read(ref *slot);
        }
        finally
        {
            _gate.Exit(stripe);
        }
    }

    private static bool IsZeroWord(ulong word) => SlotWord.Kind(word) == SlotKind.Empty || SlotWord.Unlocked(word) == SameFilled.SlotFor(0);

    private PageState StateOfWord(ulong word) =>
        WrittenBack.Is(word) ? PageState.WrittenBack
        : !SlotWord.HoldsObject(word) ? PageState.SameFilled
        : SlotWord.Size(word) == PageSize ? PageState.Incompressible
        : PageState.Compressed;

    private TimeSpan? AgeOf(uint page) => _access?.Age(page);
}
