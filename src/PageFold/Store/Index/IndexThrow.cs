using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

#pragma warning disable CA2208 // The names are those of options, which is what the caller can change.

namespace PageFold.Store.Index;

/// <summary>
/// Exceptions of page numbers and contents. Each is named by its cause; a message names the option or argument, the value and the remedy.
/// </summary>
[StackTraceHidden]
internal static class IndexThrow
{
    public static void IfPageOutOfRange(long page, string argument)
    {
        if (page is < 0 or > PageIndex.MaxPage)
            throw new ArgumentOutOfRangeException(argument, page, $"Pages are numbered 0 to {PageIndex.MaxPage}, not {page}.");
    }

    public static void IfPageLengthWrong(int length, int pageSize, string argument)
    {
        if (length != pageSize)
            throw new ArgumentException($"{argument} has {length} bytes; a page of this store has {pageSize}.", argument);
    }

    public static void IfCountOutOfRange(long first, long count)
    {
        if (count < 0 || count > PageIndex.MaxPage + 1 - first)
            throw new ArgumentOutOfRangeException(nameof(count), count,
                $"{count} pages from page {first} on are not within 0 to {PageIndex.MaxPage}.");
    }

    public static void IfStoredFormInvalid(in StoredPage form, int length, int pageSize, bool codecIsKnown)
    {
        bool fits = form.Kind switch
        {
            StoredKind.SameFilled => true,
            StoredKind.Compressed => form.Size >= 1 && form.Size < pageSize && form.Size == length && codecIsKnown,
            StoredKind.Incompressible => form.Size == pageSize && form.Size == length,
            _ => false,
        };
        if (!fits)
            throw new ArgumentException(
                $"{form} with {length} bytes is no stored page of {pageSize} bytes; give the form and the bytes that ReadStored gave.",
                nameof(form));
    }

    [DoesNotReturn]
    public static void PageIsCorrupt(long page) => throw new PageCorruptException(page);
}
