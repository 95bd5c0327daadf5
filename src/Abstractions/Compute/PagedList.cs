namespace Hypervisor.Sdk;

/// <summary>A list that is fetched page by page, while it is read. Every enumeration asks the backend anew.</summary>
/// <typeparam name="T">What is listed.</typeparam>
public abstract class PagedList<T> : IAsyncEnumerable<T>
{
    /// <summary>How many items an enumeration asks for at a time.</summary>
    public const int DefaultPageItems = 500;

    /// <summary>Gets a page.</summary>
    /// <param name="continuation">The <see cref="Page{T}.Continuation"/> of the page before; null for the first page.</param>
    /// <param name="maxItems">1 or more. A backend may return fewer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The continuation is not one of this list.</exception>
    /// <exception cref="HypervisorException">The backend could not be asked.</exception>
    public abstract Task<Page<T>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default);

    /// <inheritdoc />
    public virtual async IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        string? continuation = null;
        do
        {
            var page = await GetPageAsync(continuation, DefaultPageItems, cancellationToken).ConfigureAwait(false);
            foreach (var item in page.Items)
                yield return item;
            continuation = page.Continuation;
        }
        while (continuation is not null);
    }
}
